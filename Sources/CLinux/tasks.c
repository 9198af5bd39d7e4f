#include "CLinux.h"

// The runtime's own extension point (swift/Runtime/Concurrency.h). Weak: the small programs are without tasks.
typedef __attribute__((swiftcall)) void (*original_enqueue)(void *job);
extern __attribute__((swiftcall)) void (*swift_task_enqueueGlobal_hook)(void *job, original_enqueue original)
    __attribute__((weak));

static void (*job_handler)(void *job);

static __attribute__((swiftcall)) void take_job(void *job, original_enqueue original) {
    (void)original;
    job_handler(job);
}

void swl_take_global_jobs(void (*handler)(void *job)) {
    job_handler = handler;
    if (&swift_task_enqueueGlobal_hook) swift_task_enqueueGlobal_hook = take_job;
}
