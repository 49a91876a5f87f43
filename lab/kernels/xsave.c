/*
 * Preloaded into a UML kernel older than its processor.
 *
 * PTRACE_SETREGSET takes the processor's XSAVE area only whole.  With AMX that is 11,008 bytes,
 * while UML 6.1 and 6.12 hand over 2,696 and die at boot: "ptrace set fp regs failed, errno = 14".
 * So what they hand over is laid over the whole area that the process has, and that is set.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#ifndef NT_X86_XSTATE
#define NT_X86_XSTATE 0x202
#endif

typedef long (*ptrace_call)(int, int, void *, void *);

long ptrace(enum __ptrace_request request, ...)
{
    static ptrace_call libc_ptrace;
    static __thread char area[65536];
    va_list rest;
    va_start(rest, request);
    int pid = va_arg(rest, int);
    void *address = va_arg(rest, void *);
    void *data = va_arg(rest, void *);
    va_end(rest);

    if (!libc_ptrace)
        libc_ptrace = (ptrace_call)dlsym(RTLD_NEXT, "ptrace");
    if (request == PTRACE_SETREGSET && address == (void *)NT_X86_XSTATE) {
        struct iovec *given = data;
        struct iovec whole = {area, sizeof area};
        if (given->iov_len <= sizeof area &&
            libc_ptrace(PTRACE_GETREGSET, pid, address, &whole) == 0 &&
            whole.iov_len > given->iov_len) {
            memcpy(area, given->iov_base, given->iov_len);
            return libc_ptrace(PTRACE_SETREGSET, pid, address, &whole);
        }
    }
    return libc_ptrace(request, pid, address, data);
}
