#include "kernels/cuda/nccl.hpp"

#include <nccl.h>

#include <cstring>

#include "kernels/cuda/called.hpp"
#include "kernels/cuda/cuda_device.hpp"
#include "kernels/cuda/opened_library.hpp"

namespace argosy::cuda {
namespace {

static_assert(ncclSuccess == static_cast<int>(nccl_said::success) && ncclSystemError == static_cast<int>(nccl_said::system_error) &&
              ncclRemoteError == static_cast<int>(nccl_said::remote_error) && ncclInProgress == static_cast<int>(nccl_said::in_progress));
static_assert(sizeof(ncclUniqueId) == sizeof(nccl_id) && sizeof(cudaUUID_t) == sizeof(gpu_mark));

constexpr char library_file[] = "libnccl.so.2";
constexpr int least_version = NCCL_VERSION(2, 18, 0);  // communicators that do not block, as they are used here

// The library's functions by their names.
struct functions {
  decltype(&ncclGetVersion) get_version;
  decltype(&ncclGetUniqueId) get_unique_id;
  decltype(&ncclCommInitRankConfig) init_rank;
  decltype(&ncclCommGetAsyncError) get_async_error;
  decltype(&ncclAllGather) all_gather;
  decltype(&ncclAllReduce) all_reduce;
  decltype(&ncclReduceScatter) reduce_scatter;
  decltype(&ncclBroadcast) broadcast;
  decltype(&ncclReduce) reduce;
  decltype(&ncclGroupStart) group_start;
  decltype(&ncclGroupEnd) group_end;
  decltype(&ncclCommFinalize) finalize;
  decltype(&ncclCommDestroy) destroy;
  decltype(&ncclCommAbort) abort;
  decltype(&ncclGetErrorString) get_error_string;
  decltype(&ncclGetLastError) get_last_error;
};

nccl_said said(ncclResult_t by_nccl) { return static_cast<nccl_said>(by_nccl); }
ncclComm_t of(nccl_communicator c) { return reinterpret_cast<ncclComm_t>(c); }
ncclDataType_t of(dtype type) { return type == dtype::f32 ? ncclFloat32 : type == dtype::f64 ? ncclFloat64 : ncclBfloat16; }

class opened_nccl final : public nccl_calls {
public:
  opened_nccl(const functions& nccl, int version) : nccl_(nccl), version_(version) {}

  int version() const override { return version_; }

  result<gpu_mark> gpu_of(device& on) override {
    const auto* const gpu = dynamic_cast<const cuda_device*>(&on);
    if (gpu == nullptr) return status{errc::invalid_argument, "NCCL: want the device of an NVIDIA GPU, got " + std::string(on.name())};
    cudaDeviceProp facts{};
    ARGOSY_TRY(called("asking device " + std::to_string(gpu->ordinal()), cudaGetDeviceProperties(&facts, gpu->ordinal())));
    gpu_mark mark;
    std::memcpy(mark.data(), &facts.uuid, mark.size());
    return mark;
  }

  result<bool> is_idle(device& on) override {
    const cudaError_t state = cudaStreamQuery(gpu(on).stream());
    if (state != cudaErrorNotReady) {
      ARGOSY_TRY(called("asking after the device's work", state));
      return true;
    }
    cudaGetLastError();  // "not ready" is kept as the thread's last error, and is none
    return false;
  }

  nccl_said get_unique_id(nccl_id& id) override {
    ncclUniqueId made;
    const ncclResult_t got = nccl_.get_unique_id(&made);
    std::memcpy(id.data(), &made, id.size());
    return said(got);
  }

  nccl_said init_rank(nccl_communicator& made, int size, const nccl_id& id, int rank, device& on) override {
    made = nullptr;
    if (cudaSetDevice(gpu(on).ordinal()) != cudaSuccess) return said(ncclUnhandledCudaError);
    ncclUniqueId of_all;
    std::memcpy(&of_all, id.data(), id.size());
    ncclConfig_t how = NCCL_CONFIG_INITIALIZER;
    how.blocking = 0;
    ncclComm_t communicator = nullptr;
    const ncclResult_t begun = nccl_.init_rank(&communicator, size, of_all, rank, &how);
    made = reinterpret_cast<nccl_communicator>(communicator);
    return said(begun);
  }

  nccl_said state(nccl_communicator c) override {
    ncclResult_t state = ncclSuccess;
    const ncclResult_t asked = nccl_.get_async_error(of(c), &state);
    return said(asked == ncclSuccess ? state : asked);
  }

  nccl_said enqueue(nccl_operation what, const nccl_work& w, nccl_communicator c, device& on) override {
    cuda_device& where = gpu(on);
    if (cudaSetDevice(where.ordinal()) != cudaSuccess) return said(ncclUnhandledCudaError);  // the thread need not be the device's
    where.overwritten(w.to);
    switch (what) {
      case nccl_operation::all_gather: return said(nccl_.all_gather(w.from, w.to, w.count, of(w.type), of(c), where.stream()));
      case nccl_operation::all_reduce: return said(nccl_.all_reduce(w.from, w.to, w.count, of(w.type), ncclSum, of(c), where.stream()));
      case nccl_operation::reduce_scatter:
        return said(nccl_.reduce_scatter(w.from, w.to, w.count, of(w.type), ncclSum, of(c), where.stream()));
      case nccl_operation::broadcast: return said(nccl_.broadcast(w.from, w.to, w.count, of(w.type), w.root, of(c), where.stream()));
      case nccl_operation::reduce: return said(nccl_.reduce(w.from, w.to, w.count, of(w.type), ncclSum, w.root, of(c), where.stream()));
    }
    return said(ncclInvalidArgument);
  }

  nccl_said group_start() override { return said(nccl_.group_start()); }
  nccl_said group_end() override { return said(nccl_.group_end()); }
  nccl_said finalize(nccl_communicator c) override { return said(nccl_.finalize(of(c))); }
  nccl_said destroy(nccl_communicator c) override { return said(nccl_.destroy(of(c))); }
  nccl_said abort(nccl_communicator c) override { return said(nccl_.abort(of(c))); }

  std::string error_text(nccl_said what, nccl_communicator c) override {
    const std::string last = nccl_.get_last_error(of(c));
    return nccl_.get_error_string(static_cast<ncclResult_t>(what)) + (last.empty() ? std::string() : ": " + last);
  }

private:
  // REQUIRES that gpu_of() knows it.
  static cuda_device& gpu(device& on) { return static_cast<cuda_device&>(on); }

  functions nccl_;
  int version_;
};

result<functions> find_all(const opened_library& library) {
  functions f{};
  ARGOSY_TRY(library.find("ncclGetVersion", f.get_version));
  ARGOSY_TRY(library.find("ncclGetUniqueId", f.get_unique_id));
  ARGOSY_TRY(library.find("ncclCommInitRankConfig", f.init_rank));
  ARGOSY_TRY(library.find("ncclCommGetAsyncError", f.get_async_error));
  ARGOSY_TRY(library.find("ncclAllGather", f.all_gather));
  ARGOSY_TRY(library.find("ncclAllReduce", f.all_reduce));
  ARGOSY_TRY(library.find("ncclReduceScatter", f.reduce_scatter));
  ARGOSY_TRY(library.find("ncclBroadcast", f.broadcast));
  ARGOSY_TRY(library.find("ncclReduce", f.reduce));
  ARGOSY_TRY(library.find("ncclGroupStart", f.group_start));
  ARGOSY_TRY(library.find("ncclGroupEnd", f.group_end));
  ARGOSY_TRY(library.find("ncclCommFinalize", f.finalize));
  ARGOSY_TRY(library.find("ncclCommDestroy", f.destroy));
  ARGOSY_TRY(library.find("ncclCommAbort", f.abort));
  ARGOSY_TRY(library.find("ncclGetErrorString", f.get_error_string));
  ARGOSY_TRY(library.find("ncclGetLastError", f.get_last_error));
  return f;
}

result<std::unique_ptr<nccl_calls>> open_library() {
  ARGOSY_ASSIGN(const opened_library library, opened_library::open("NCCL", library_file));
  ARGOSY_ASSIGN(const functions found, find_all(library));
  int version = 0;
  if (const ncclResult_t got = found.get_version(&version); got != ncclSuccess)
    return status{errc::unavailable, std::string("NCCL: ncclGetVersion: ") + found.get_error_string(got)};
  if (version < least_version)
    return status{errc::unavailable, "NCCL: want " + nccl_version_text(least_version) + " or newer, found " + nccl_version_text(version)};
  return std::unique_ptr<nccl_calls>(std::make_unique<opened_nccl>(found, version));
}

}  // namespace

result<nccl_calls*> open_nccl() {
  static const result<std::unique_ptr<nccl_calls>> opened = open_library();
  ARGOSY_TRY(opened.failure());
  return opened->get();
}

}  // namespace argosy::cuda
