#pragma once
#error "this is the source tree of libcheckpoint, which has no library: build with -tags checkpoint_system to use the installed one (pkg-config must find checkpoint.pc), or require the released module"
