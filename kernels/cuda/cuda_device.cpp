#include "kernels/cuda/cuda_device.hpp"

#include <algorithm>
#include <string>

#include "kernels/cuda/called.hpp"

namespace argosy::cuda {
namespace {

std::size_t row_bytes(const const_view& v) { return static_cast<std::size_t>(v.cols) * size_of(v.type); }
std::size_t bytes_of(const const_view& v) { return static_cast<std::size_t>(v.rows) * row_bytes(v); }
std::size_t pitch_of(const const_view& v) { return static_cast<std::size_t>(v.stride) * size_of(v.type); }

// Who waits sleeps: the thread has nothing else to do, and others have.
class event_mark final : public work_mark {
public:
  static result<std::unique_ptr<work_mark>> make(cudaStream_t on) {
    auto made = std::make_unique<event_mark>();
    ARGOSY_TRY(called("an event", cudaEventCreateWithFlags(&made->event_, cudaEventDisableTiming | cudaEventBlockingSync)));
    ARGOSY_TRY(called("an event", cudaEventRecord(made->event_, on)));
    return std::unique_ptr<work_mark>(std::move(made));
  }
  event_mark() = default;
  event_mark(const event_mark&) = delete;
  event_mark& operator=(const event_mark&) = delete;
  ~event_mark() override {
    if (event_ != nullptr) cudaEventDestroy(event_);
  }
  status wait() override { return called("waiting for the device", cudaEventSynchronize(event_)); }

private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace

result<std::unique_ptr<cuda_device>> cuda_device::open(int ordinal, compute how, attention_by attention) {
  std::unique_ptr<cuda_device> made(new cuda_device(ordinal, how));
  ARGOSY_TRY(made->set_up(attention));
  return made;
}

status cuda_device::become_current() { return called("device " + std::to_string(ordinal_), cudaSetDevice(ordinal_)); }

status cuda_device::set_up(attention_by attention) {
  ARGOSY_TRY(become_current());
  ARGOSY_TRY(called("a stream", cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking)));
  staging_ = std::make_unique<staging>(stream_);
  rounding_ = std::make_unique<rounding>(stream_, allocations_);
  ARGOSY_ASSIGN(blas_, make_blas(stream_));
  if (compute_ == compute::fp8) fp8_ = std::make_unique<fp8_factors>(stream_);
  if (attention == attention_by::cudnn) {
    ARGOSY_ASSIGN(fused_, make_fused_attention(stream_));
  }
  return {};
}

cuda_device::~cuda_device() {
  beside_.reset();
  if (stream_ != nullptr) cudaStreamSynchronize(stream_);
  blas_.reset();
  fused_.reset();
  fp8_.reset();
  staging_.reset();
  rounding_.reset();
  scratch_.reset();
  if (stream_ != nullptr) cudaStreamDestroy(stream_);
}

result<std::shared_ptr<std::byte>> cuda_device::allocate(std::size_t bytes) {
  ARGOSY_TRY(become_current());
  void* memory = nullptr;
  const std::size_t wanted = std::max<std::size_t>(bytes, 1);
  if (const status got = called("", cudaMalloc(&memory, wanted)); !got.ok())
    return status{errc::unavailable,
                  "out of memory: device " + std::to_string(ordinal_) + " cannot give " + std::to_string(bytes) + " bytes"};
  std::shared_ptr<std::byte> held(static_cast<std::byte*>(memory), [all = allocations_](std::byte* m) {
    all->gave_back(m);
    cudaFree(m);
  });
  allocations_->took(held.get(), wanted);
  ARGOSY_TRY(called("clearing memory", cudaMemsetAsync(memory, 0, wanted, stream_)));
  return held;
}

// A failure shows in the next call that can report one.
void cuda_device::zero(view x) {
  if (x.empty()) return;
  if (x.contiguous())
    cudaMemsetAsync(x.data, 0, bytes_of(x), stream_);
  else
    cudaMemset2DAsync(x.data, pitch_of(x), 0, row_bytes(x), static_cast<std::size_t>(x.rows), stream_);
}

status cuda_device::upload(const void* from, view to) {
  if (to.empty()) return {};
  ARGOSY_TRY(become_current());
  rounding_->uploaded(to);
  const cudaError_t said = to.contiguous() ? cudaMemcpyAsync(to.data, from, bytes_of(to), cudaMemcpyHostToDevice, stream_)
                                           : cudaMemcpy2DAsync(to.data, pitch_of(to), from, row_bytes(to), row_bytes(to),
                                                               static_cast<std::size_t>(to.rows), cudaMemcpyHostToDevice, stream_);
  ARGOSY_TRY(called("a copy to the device", said));
  return wait();
}

status cuda_device::download(const_view from, void* to) {
  if (from.empty()) return {};
  ARGOSY_TRY(become_current());
  const cudaError_t said = from.contiguous() ? cudaMemcpyAsync(to, from.data, bytes_of(from), cudaMemcpyDeviceToHost, stream_)
                                             : cudaMemcpy2DAsync(to, row_bytes(from), from.data, pitch_of(from), row_bytes(from),
                                                                 static_cast<std::size_t>(from.rows), cudaMemcpyDeviceToHost, stream_);
  ARGOSY_TRY(called("a copy from the device", said));
  return wait();
}

status cuda_device::wait() { return called("waiting for the device", cudaStreamSynchronize(stream_)); }

result<std::unique_ptr<work_mark>> cuda_device::mark() {
  ARGOSY_TRY(become_current());
  return event_mark::make(stream_);
}

result<device*> cuda_device::beside() {
  if (!beside_) {
    ARGOSY_ASSIGN(beside_, open(ordinal_, compute::float32));
  }
  return static_cast<device*>(beside_.get());
}

result<float*> cuda_device::scratch(std::int64_t floats) {
  if (floats > scratch_floats_) {
    scratch_.reset();
    scratch_floats_ = 0;
    ARGOSY_ASSIGN(scratch_, allocate(static_cast<std::size_t>(floats) * sizeof(float)));
    scratch_floats_ = floats;
  }
  return reinterpret_cast<float*>(scratch_.get());
}

}  // namespace argosy::cuda
