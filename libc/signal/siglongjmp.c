// The part of sigsetjmp that is about the signal mask (signal/setjmp.asm has the registers).
#include <setjmp.h>

int __sigsetjmp_mask(sigjmp_buf buffer, int save_mask);

int __sigsetjmp_mask(sigjmp_buf buffer, int save_mask) {
    buffer->mask_saved = save_mask != 0 && sigprocmask(SIG_SETMASK, NULL, &buffer->mask) == 0;
    return 0;
}

void siglongjmp(sigjmp_buf buffer, int value) {
    if (buffer->mask_saved)
        sigprocmask(SIG_SETMASK, &buffer->mask, NULL);
    longjmp(buffer->registers, value);
}
