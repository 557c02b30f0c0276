// The pair of 8259A interrupt controllers, put where they can do no harm: at vectors 32 to 47, every line masked. Even where the
// kernel does not use them they can raise a spurious interrupt. Intel 8259A data sheet.
#pragma once

void pic_initialize(void);
