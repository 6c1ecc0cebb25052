// A libcuda.so.1 for machines without a driver: it takes the kernels that cuDNN compiles (cudnn_plans.cpp) and has nothing to run them on. Any other
// call says CUDA_ERROR_STUB_LIBRARY, as NVIDIA's own stub does. cuDNN 9.19 looks for these functions and no others.
namespace {

constexpr int success = 0, stub_library = 34;
int kernel;  // where handles point to

int hand_out(void** handle) {
  *handle = &kernel;
  return success;
}

}  // namespace

extern "C" {

int cuLibraryLoadData(void** library) { return hand_out(library); }
int cuLibraryGetKernel(void** of) { return hand_out(of); }
int cuLibraryUnload() { return success; }
int cuKernelSetAttribute() { return success; }
int cuFuncSetAttribute() { return success; }
int cuKernelGetAttribute(int* value) { return *value = 0; }
int cuFuncGetAttribute(int* value) { return *value = 0; }

#define ABSENT(name) \
  int name() { return stub_library; }
// clang-format off
ABSENT(cuCtxGetCurrent) ABSENT(cuCtxGetDevice) ABSENT(cuCtxGetLimit) ABSENT(cuCtxPopCurrent) ABSENT(cuCtxPushCurrent) ABSENT(cuDeviceGet)
ABSENT(cuDeviceGetAttribute) ABSENT(cuDeviceGetCount) ABSENT(cuDevicePrimaryCtxRelease) ABSENT(cuDevicePrimaryCtxReset)
ABSENT(cuDevicePrimaryCtxRetain) ABSENT(cuDriverGetVersion) ABSENT(cuGetErrorName) ABSENT(cuGetErrorString) ABSENT(cuInit)
ABSENT(cuLaunchCooperativeKernel) ABSENT(cuLaunchKernel) ABSENT(cuLaunchKernelEx) ABSENT(cuLibraryLoadFromFile) ABSENT(cuLinkAddData)
ABSENT(cuLinkAddData_v2) ABSENT(cuLinkAddFile_v2) ABSENT(cuLinkComplete) ABSENT(cuLinkCreate) ABSENT(cuLinkCreate_v2)
ABSENT(cuLinkDestroy) ABSENT(cuMemcpyDtoH_v2) ABSENT(cuModuleGetFunction) ABSENT(cuModuleGetGlobal_v2) ABSENT(cuModuleLoadData)
ABSENT(cuModuleLoadDataEx) ABSENT(cuModuleLoadFatBinary) ABSENT(cuModuleUnload) ABSENT(cuOccupancyMaxActiveBlocksPerMultiprocessor)
ABSENT(cuOccupancyMaxPotentialClusterSize) ABSENT(cuStreamGetCtx) ABSENT(cuStreamSynchronize) ABSENT(cuTensorMapEncodeTiled)
// clang-format on
#undef ABSENT
}
