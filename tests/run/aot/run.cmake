# Builds PROGRAM as a shared library with BOREL and calls it from the C program HOST.
file(MAKE_DIRECTORY ${OUT})
execute_process(COMMAND ${BOREL} build ${PROGRAM} --output ${OUT}/program.so
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${HOST} ${OUT}/program.so COMMAND_ERROR_IS_FATAL ANY)
