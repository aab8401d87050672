// The least an embedder of lgen's Lua plans can do: print what a plan may call.
#include <cstdio>

#include "lgen/plan.h"

int main() { return std::fputs(lgen::plan_api_meta().c_str(), stdout) < 0; }
