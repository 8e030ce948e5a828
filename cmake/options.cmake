# What every target is compiled with.
add_library(enrichd_options INTERFACE)
target_compile_features(enrichd_options INTERFACE cxx_std_20)
set(CMAKE_CXX_EXTENSIONS OFF)
target_compile_options(enrichd_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror=switch)
target_include_directories(enrichd_options INTERFACE
  "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}")

if(ENRICHD_WERROR)
  target_compile_options(enrichd_options INTERFACE -Werror)
endif()

if(ENRICHD_SANITIZE)
  target_compile_options(enrichd_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(enrichd_options INTERFACE -fsanitize=address,undefined)
endif()

# The targets alone link libFuzzer's main; all else is compiled so that it can see which branches an input takes.
if(ENRICHD_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "ENRICHD_FUZZ takes clang, whose libFuzzer it uses: cmake --preset fuzz")
  endif()
  target_compile_options(enrichd_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

# g++ 12 warns falsely inside its own library where std::variant and std::optional are moved
# (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105593 and its kin).
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(enrichd_options INTERFACE -Wno-maybe-uninitialized)
  # g++ 12 warns falsely of "a" + std::string (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105651).
  if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(enrichd_options INTERFACE -Wno-restrict)
  endif()
  # In a unity build every source is a header to it, whose anonymous namespaces it then distrusts.
  if(CMAKE_UNITY_BUILD)
    target_compile_options(enrichd_options INTERFACE -Wno-subobject-linkage)
  endif()
  # At -O1 with sanitizers it inlines the operator new of Asio's coroutine frames but not their operator
  # delete, and warns that the two do not match (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=109224).
  if(ENRICHD_SANITIZE)
    target_compile_options(enrichd_options INTERFACE -Wno-mismatched-new-delete)
  endif()
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  target_link_options(enrichd_options INTERFACE -fuse-ld=mold)
endif()
