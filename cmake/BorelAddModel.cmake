# borel_add_model(TARGET MODEL.ppl [NAME name] [CPU cpu…] [INFER infer] [LIBRARY folder] [HESSIAN])
#
# A static library TARGET of a compiled program. What links it includes "NAME.h" and gets libborel_rt
# and what that needs. It is built again when the program, a library folder or the compiler changes.
#   NAME     prefix of the header's names; TARGET by default
#   CPU      processors that it has code for; native, the one that builds, by default
#   INFER    the infer to compile; main, or the only one, by default
#   LIBRARY  a folder that replaces the built-in library of distributions and algorithms
#   HESSIAN  with products of the Hessian and a vector (borel_hessian_vector)
function(borel_add_model target model)
  cmake_parse_arguments(PARSE_ARGV 2 ARG "HESSIAN" "NAME;INFER;LIBRARY" "CPU")
  if(ARG_UNPARSED_ARGUMENTS OR ARG_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "borel_add_model(${target}): what is meant by "
                        "'${ARG_UNPARSED_ARGUMENTS}${ARG_KEYWORDS_MISSING_VALUES}'?")
  endif()
  if(NOT TARGET Borel::borel)
    message(FATAL_ERROR "borel_add_model(${target}): the compiler is not installed (package borel)")
  endif()
  get_filename_component(model "${model}" ABSOLUTE)
  if(NOT EXISTS "${model}")
    message(FATAL_ERROR "borel_add_model(${target}): there is no file ${model}")
  endif()
  set(name "${target}")
  if(ARG_NAME)
    set(name "${ARG_NAME}")
  endif()
  string(REGEX REPLACE "[.-]" "_" name "${name}")
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/borel/${target}")
  file(MAKE_DIRECTORY "${folder}")

  set(options)
  if(ARG_CPU)
    list(JOIN ARG_CPU "," cpus)
    list(APPEND options --cpu "${cpus}")
  endif()
  if(ARG_INFER)
    list(APPEND options --infer "${ARG_INFER}")
  endif()
  if(ARG_LIBRARY)
    get_filename_component(library "${ARG_LIBRARY}" ABSOLUTE)
    list(APPEND options --library "${library}")
  endif()
  if(ARG_HESSIAN)
    list(APPEND options --hessian)
  endif()
  set(depfile)
  if(CMAKE_GENERATOR MATCHES "Ninja|Makefiles")
    set(depfile DEPFILE "${folder}/${name}.d")
  endif()
  set(outputs "${folder}/${name}.o" "${folder}/${name}.h" "${folder}/${name}.json")
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND Borel::borel build "${model}" --output "${folder}/${name}.o"
            --depfile "${folder}/${name}.d" ${options}
    DEPENDS "${model}" "$<TARGET_FILE:Borel::borel>"
    ${depfile}
    COMMENT "Compiling ${name} with borel"
    VERBATIM)

  add_library(${target} STATIC ${outputs})
  set_source_files_properties("${folder}/${name}.o" PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  if("C" IN_LIST languages)
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE C)
  else()
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX)
  endif()
  target_include_directories(${target} INTERFACE "$<BUILD_INTERFACE:${folder}>")
  target_link_libraries(${target} PUBLIC Borel::rt)
endfunction()
