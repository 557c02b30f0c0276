// The program's own relocations (start/relocate.c): once, first of all.
#pragma once

void program_relocate(void);
