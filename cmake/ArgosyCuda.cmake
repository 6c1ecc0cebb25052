# argosy_cuda.so, the plug-in that drives NVIDIA GPUs, where a CUDA compiler and cuBLASLt are found; otherwise a message says what is missing.
# It takes what it shares with the program from the program: build and run them together.
#   ARGOSY_CUDA                 OFF: do not look for CUDA
#   ARGOSY_CUDA_ARCHITECTURES   compute capabilities, 90 (H100, H200) unless set; "80;90" for A100 too
#   ARGOSY_NCCL_INCLUDE         the folder of nccl.h, looked for beside CUDA's headers unless set; the library is opened at run time
#   ARGOSY_CUDNN_INCLUDE        the same of cudnn.h
#   ARGOSY_CUDNN_FRONTEND_INCLUDE   the folder of cudnn_frontend.h, looked for in .venv (tools/setup --developer) and beside CUDA's headers
option(ARGOSY_CUDA "Build the CUDA plug-in where CUDA is found" ON)
set(ARGOSY_CUDA_ARCHITECTURES 90 CACHE STRING "Compute capabilities of the CUDA plug-in")

# In the list `sources` NAME.cpp where its header is found, in ARGOSY_NAME_INCLUDE, and no_NAME.cpp where not.
macro(argosy_optional_header sources name header with without)
  string(TOLOWER ${name} file)
  find_path(ARGOSY_${name}_INCLUDE ${header} HINTS ${CUDAToolkit_INCLUDE_DIRS} ${from_pip})
  if(ARGOSY_${name}_INCLUDE)
    list(FILTER ${sources} EXCLUDE REGEX "/no_${file}\\.cpp$")
    message(STATUS "CUDA: ${with} by ${name}, by the header in ${ARGOSY_${name}_INCLUDE}")
  else()
    list(FILTER ${sources} EXCLUDE REGEX "/cuda/${file}\\.cpp$")
    message(STATUS "CUDA: the plug-in is built without ${name}, so ${without}: ${header} was not found (ARGOSY_${name}_INCLUDE)")
  endif()
endmacro()

function(argosy_cuda_plugin)
  find_package(CUDAToolkit QUIET)
  if(NOT CUDAToolkit_FOUND OR NOT TARGET CUDA::cublasLt)
    message(STATUS "CUDA: no plug-in: nvcc is there, cuBLASLt was not found")
    return()
  endif()
  set(cuda_host_warnings -Wall -Wextra -Wshadow -Wold-style-cast -Werror)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/kernels/cuda/*.cu ${CMAKE_SOURCE_DIR}/kernels/cuda/*.cpp)
  argosy_optional_header(sources NCCL nccl.h "groups of GPUs" "a job has one GPU")
  argosy_optional_header(sources CUDNN cudnn.h "backbones" "backbones run on the CPU")
  if(ARGOSY_CUDNN_INCLUDE)
    file(GLOB from_pip ${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/include)
    argosy_optional_header(sources CUDNN_FRONTEND cudnn_frontend.h "cuDNN's attention" "attention is ours alone")
  else()
    list(FILTER sources EXCLUDE REGEX "/cuda/cudnn_frontend\\.cpp$")
  endif()
  # Compiled once for the plug-in and for a test of its plans (tests/CMakeLists.txt), since its library is large.
  if(ARGOSY_CUDNN_INCLUDE AND ARGOSY_CUDNN_FRONTEND_INCLUDE)
    list(FILTER sources EXCLUDE REGEX "/cuda/cudnn_frontend\\.cpp$")
    add_library(argosy_cudnn_frontend OBJECT ${CMAKE_SOURCE_DIR}/kernels/cuda/cudnn_frontend.cpp)
    set_target_properties(argosy_cudnn_frontend PROPERTIES POSITION_INDEPENDENT_CODE ON)
    target_compile_definitions(argosy_cudnn_frontend PRIVATE NV_CUDNN_FRONTEND_USE_DYNAMIC_LOADING)
    target_compile_options(argosy_cudnn_frontend PRIVATE ${cuda_host_warnings})
    target_include_directories(argosy_cudnn_frontend PUBLIC ${CMAKE_SOURCE_DIR})
    target_include_directories(argosy_cudnn_frontend SYSTEM PUBLIC ${CUDAToolkit_INCLUDE_DIRS} ${ARGOSY_CUDNN_INCLUDE}
      PRIVATE ${ARGOSY_CUDNN_FRONTEND_INCLUDE})
    list(APPEND sources $<TARGET_OBJECTS:argosy_cudnn_frontend>)
  endif()
  add_library(argosy_cuda MODULE ${sources})
  set_target_properties(argosy_cuda PROPERTIES PREFIX "" CUDA_ARCHITECTURES "${ARGOSY_CUDA_ARCHITECTURES}"
    LIBRARY_OUTPUT_DIRECTORY $<TARGET_FILE_DIR:argosy>)
  target_include_directories(argosy_cuda PRIVATE ${CMAKE_SOURCE_DIR})
  foreach(headers ${ARGOSY_NCCL_INCLUDE} ${ARGOSY_CUDNN_INCLUDE})
    if(headers)
      target_include_directories(argosy_cuda SYSTEM PRIVATE ${headers})
    endif()
  endforeach()
  target_compile_definitions(argosy_cuda PRIVATE ARGOSY_BUILD="${ARGOSY_BUILD}")
  # Warning 554 is of a conversion that is meant for one of two instances of a template.
  target_compile_options(argosy_cuda PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr -diag-suppress=554 -Xcompiler=-Wall>
    $<$<COMPILE_LANGUAGE:CXX>:${cuda_host_warnings}>)
  target_link_libraries(argosy_cuda PRIVATE CUDA::cudart_static CUDA::cublasLt ${CMAKE_DL_LIBS})
  message(STATUS "CUDA: plug-in for compute capability ${ARGOSY_CUDA_ARCHITECTURES} by ${CMAKE_CUDA_COMPILER} ${CMAKE_CUDA_COMPILER_VERSION}")
endfunction()
