# Writes OUTPUT, a source that knows the commit of SOURCE, with a plus if it has changes besides.
find_program(git git)
set(commit "")
if(git)
  execute_process(COMMAND ${git} -c safe.directory=* -C ${SOURCE} describe --always --abbrev=12 --exclude=* --dirty=+
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(commit STREQUAL "")
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT
"namespace ringpost::loadgen {
const char* built_from();
const char* built_from() { return \"${commit}\"; }
}  // namespace ringpost::loadgen
")
