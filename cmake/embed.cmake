# enrichd_embed(TARGET NAME SYMBOL FILE PATH): puts the bytes of a file into a target.
#
# The assembler's .incbin does the work: it takes milliseconds where an array of numbers takes the
# compiler seconds per megabyte. Declare the bytes in C++ as
#   extern "C" const unsigned char SYMBOL_begin[], SYMBOL_end[];
# One byte of zero follows SYMBOL_end, so that text may be used as a C string.
enable_language(ASM)

function(enrichd_embed target)
  cmake_parse_arguments(arg "" "SYMBOL;FILE" "" ${ARGN})
  get_filename_component(file "${arg_FILE}" ABSOLUTE)
  set(source "${CMAKE_CURRENT_BINARY_DIR}/embedded_${arg_SYMBOL}.S")
  file(CONFIGURE OUTPUT "${source}" CONTENT [[
    .section .rodata
    .global @arg_SYMBOL@_begin
    .global @arg_SYMBOL@_end
    .balign 16
@arg_SYMBOL@_begin:
    .incbin "@file@"
@arg_SYMBOL@_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
]] @ONLY)
  set_source_files_properties("${source}" PROPERTIES OBJECT_DEPENDS "${file}")
  target_sources(${target} PRIVATE "${source}")
endfunction()
