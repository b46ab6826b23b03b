// What the calls of a model's functions share.
#ifndef BOREL_RUNTIME_HOST_MODEL_CALL_H
#define BOREL_RUNTIME_HOST_MODEL_CALL_H

#include "runtime/host/error.h"
#include "runtime/host/handles.h"

namespace borel::host {

// A call of a function of a model: its arguments checked, the model found.
struct ModelCall {
  borel_worker& worker;
  Reporter report;
  const borel_model* model;
  const void* instance;
};

template <class Body>
borel_code with_model(borel_worker* worker, std::int32_t index, borel_error** error, Body body) {
  if (worker == nullptr) {
    return null_handle(error, "the worker");
  }
  const borel_instance& instance = *worker->instance;
  const Reporter report = reporter(&instance, error);
  if (!instance.is_bound) {
    return report.bad_argument("the instance is not bound");
  }
  if (index < 0 || index >= instance.program->model_count) {
    return report.bad_argument(Text() << "there is no model " << index << ": there are "
                                      << instance.program->model_count);
  }
  return body(ModelCall{*worker, report, &instance.program->models[index], instance.memory.data()});
}

inline borel_code not_supported(const ModelCall& call, const char* what) {
  return call.report(BOREL_NOT_SUPPORTED, Text() << "the program was built without " << what
                                                 << " of `" << call.model->name << "`");
}

// A point that has elements and is null.
inline bool is_missing(const ModelCall& call, const void* point) {
  return point == nullptr && call.model->dimension(call.instance) > 0;
}

}  // namespace borel::host

#endif
