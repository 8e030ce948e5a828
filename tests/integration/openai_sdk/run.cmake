# Installs the official client in a build folder, once, and runs the conformance test with it.
# cmake -DSOURCE=<this folder> -DWORK=<build folder> -DSANDBOX=<enrich-sandbox> -P run.cmake
foreach(tool node npm)
  find_program(${tool}_program ${tool})
  if(NOT ${tool}_program)
    message(FATAL_ERROR "${tool} is not installed; the official client cannot be tried against the sandbox.\n"
      "Install it: apt-get install nodejs npm")
  endif()
endforeach()

file(MAKE_DIRECTORY "${WORK}")
file(COPY "${SOURCE}/package.json" "${SOURCE}/package-lock.json" "${SOURCE}/conformance.mjs" DESTINATION "${WORK}")
file(SHA256 "${SOURCE}/package-lock.json" wanted)
set(installed "")
if(EXISTS "${WORK}/installed")
  file(READ "${WORK}/installed" installed)
endif()
if(NOT installed STREQUAL wanted)
  execute_process(COMMAND "${npm_program}" ci --no-audit --no-fund WORKING_DIRECTORY "${WORK}" RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "npm ci failed in ${WORK}: is a registry within reach?")
  endif()
  file(WRITE "${WORK}/installed" "${wanted}")
endif()

execute_process(COMMAND "${node_program}" conformance.mjs "${SANDBOX}" WORKING_DIRECTORY "${WORK}"
  RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "the official client found a difference (see above)")
endif()
