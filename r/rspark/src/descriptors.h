#ifndef RSPARK_DESCRIPTORS_H
#define RSPARK_DESCRIPTORS_H

#include <stddef.h>

void descriptors_take(void);
void descriptors_give_back(void);
size_t descriptors_read(const char **bytes);
int descriptors_log(int errors);

#endif
