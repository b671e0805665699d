// Is a run of bytes well-formed UTF-8: shortest forms only, no surrogates, nothing past U+10FFFF.
#pragma once
#include "bytecode/base.h"

bool utf8_is_valid(Str s);
