# Fails if an include points the wrong way: core <- state <- daemon, and core touches nothing of the world.
# Run as: cmake -DROOT=<source tree> -P layering.cmake
set(violations "")

function(forbid folder pattern why)
  file(GLOB_RECURSE files "${ROOT}/${folder}/*.hpp" "${ROOT}/${folder}/*.cpp")
  foreach(file IN LISTS files)
    file(STRINGS "${file}" hits REGEX "^[ \t]*#[ \t]*include[ \t]*[<\"](${pattern})")
    foreach(hit IN LISTS hits)
      file(RELATIVE_PATH name "${ROOT}" "${file}")
      set(violations "${violations}\n  ${name}: ${hit}   (${why})")
    endforeach()
  endforeach()
  set(violations "${violations}" PARENT_SCOPE)
endfunction()

forbid(core "state/|daemon/|tests/" "core sees only core")
forbid(core "boost/asio|boost/beast|sqlite3|libpq|systemd/|thread>|mutex>|fstream>|iostream>|unistd|sys/"
       "core is pure: no I/O, no clock, no thread")
forbid(state "daemon/|tests/" "state sees core and itself")
forbid(state "boost/asio|boost/beast|libpq|systemd/" "state knows SQLite, and no network")
forbid(daemon "tests/" "nobody sees the tests")

# Sub-folders of daemon meet in instance and the effects, not in each other; http is what some build on.
set(parts http provider target control ctl sandbox)
foreach(part IN LISTS parts)
  foreach(other IN LISTS parts)
    if(part STREQUAL other OR other STREQUAL "http")
      continue()
    endif()
    if(part STREQUAL "ctl" AND other STREQUAL "control")
      continue()   # the client is shared by enrichctl and the tests
    endif()
    forbid("daemon/${part}" "daemon/${other}/" "daemon/${part} does not include daemon/${other}")
  endforeach()
endforeach()

if(violations)
  message(FATAL_ERROR "Includes that point the wrong way:${violations}")
endif()
message(STATUS "includes point one way")
