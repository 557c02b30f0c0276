// A line that loses, delays, reorders, repeats and damages frames, and is slow: between Linux and a stack (tap.c) or a guest
// (rough_wire.c). One seed gives the same decisions for the same frames; the times are real.
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { ROUGH_FRAME_MAX = 2048 };

// "seed=1,loss=100,delay=8000,duplicate=10,corrupt=10,rate=1000000": of 10,000 frames; microseconds (each frame half to all of
// it, so that they overtake each other); bytes a second each way, with a queue of 50 ms before what does not fit is lost. False:
// not understood.
bool rough_line_set(const char *text, void (*deliver)(bool inward, const uint8_t *bytes, uint32_t length));
// A frame enters the line; it leaves it by `deliver`, now or in rough_line_run.
void rough_line_pass(bool inward, const uint8_t *bytes, uint32_t length, uint64_t now);
// Delivers what is due; when to be called again, nanoseconds; 0: nothing waits.
uint64_t rough_line_run(uint64_t now);
uint64_t rough_line_clock(void); // nanoseconds, monotonic
