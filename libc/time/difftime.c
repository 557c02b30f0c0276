// difftime: in a file of its own, since it returns a double.
#include <time.h>

double difftime(time_t end, time_t start) {
    return (double)(end - start);
}
