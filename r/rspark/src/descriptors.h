#ifndef RSPARK_DESCRIPTORS_H
#define RSPARK_DESCRIPTORS_H

#include <stddef.h>

void descriptors_take(void);
void descriptors_give_back(void);
void descriptors_lead_to_log(int log);
size_t descriptors_read(const char **bytes);
int descriptors_log(int errors);

#endif
