// assert(): the check that stays in every build unless NDEBUG is set. Included again it obeys the NDEBUG of
// that moment, which is why it has no #pragma once (C17 7.2).
#undef assert
#ifdef NDEBUG
#define assert(expression) ((void)0)
#else
#define assert(expression) ((expression) ? (void)0 : __assert_failed(#expression, __FILE__, __LINE__, __func__))
#endif
#define static_assert _Static_assert

_Noreturn void __assert_failed(const char *expression, const char *file, int line, const char *function);
