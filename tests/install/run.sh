#!/usr/bin/env bash
# Installs the package, moves it elsewhere, and has other projects build against it, in every way
# that docs/installing.md names.
# usage: tests/install/run.sh [CMAKE-ARGUMENT...]    (for the build of the package; the presets'
# cargo directory is used)
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

version=$(sed -n 's/^version *= *"\(.*\)"/\1/p' Cargo.toml | head -n 1)
major=${version%%.*}
kernel="kernel 3.803988 4.568779 4.968246 3.892008 4.008393"    # as TensorFlow reads it
options=(-G Ninja -DCMAKE_BUILD_TYPE=Release "-DCHECKPOINT_CARGO_TARGET_DIR=$root/build/cargo" "$@")
parts=(-DCHECKPOINT_BUILD_TESTS=OFF -DCHECKPOINT_BUILD_EXAMPLES=OFF)

# ---------------------------------------------------------------- what the tests are made of

configure() { cmake -S "$1" -B "$2" "${options[@]}" "${@:3}"; }
elf() { readelf -dW "$1"; }
needs_shared() { [[ $(elf "$1") == *"Shared library: [libcheckpoint.so.$major]"* ]] || { echo "no shared library: $1"; return 1; }; }
needs_none() { [[ $(elf "$1") != *"[libcheckpoint"* ]] || { echo "a shared library: $1"; return 1; }; }
same() { [ "$1" = "$2" ] || { printf 'expected: %s\nfound:    %s\n' "$1" "$2"; return 1; }; }    # same EXPECTED FOUND

listing() { find "$1" \( -type f -o -type l \) -printf '%P %l\n' | sed 's/ $//' | sort; }      # a line for each file and link

# runs PROGRAM...: it prints one version, this one, and TensorFlow's values.
runs() { same "header $version"$'\n'"library $version"$'\n'"$kernel" "$("$@" "$root/tests/data/guide")"; }

# builds DIRECTORY shared|none: its programs run, and need the shared library where they should; the
# second argument says it of those that link what BUILD_SHARED_LIBS chooses.
builds() {
  local program
  cmake --build "$1"
  for program in c-checkpoint c-shared c-static cpp cpp-static cpp-headers; do runs "$1/$program"; done
  for program in c-checkpoint cpp; do "needs_$2" "$1/$program"; done
  for program in c-shared cpp-headers; do needs_shared "$1/$program"; done
  for program in c-static cpp-static; do needs_none "$1/$program"; done
}

# refuses LINE COMMAND...: it fails, and says so in this line (wrapped or not).
refuses() {
  local said
  if said=$("${@:2}" 2>&1); then echo "should have failed: ${*:2}"; return 1; fi
  [[ $(tr -s '[:space:]' ' ' <<<"$said") == *"$1"* ]] || { printf 'does not say "%s":\n%s\n' "$1" "$said"; return 1; }
}

# ---------------------------------------------------------------- the tests

# The names that issue from the version, the links between them, and nothing else.
each_component_holds_what_it_should() {
  cmake --install "$work/build" --prefix "$work/runtime" --component runtime
  cmake --install "$work/build" --prefix "$work/development" --component development
  diff - <(listing "$work/runtime") <<END
bin/ckpt
lib/libcheckpoint.so.$major libcheckpoint.so.$version
lib/libcheckpoint.so.$version
share/doc/checkpoint/LICENSE
share/doc/checkpoint/LICENSE-APACHE
share/doc/checkpoint/LICENSE-MIT
share/doc/checkpoint/THIRD-PARTY-NOTICES
END
  diff - <(listing "$work/development") <<END
$( (echo include/checkpoint.h; find bindings/cpp/include -name '*.hpp' -printf 'include/%P\n') | sort)
lib/cmake/checkpoint/checkpoint-config-version.cmake
lib/cmake/checkpoint/checkpoint-config.cmake
lib/cmake/checkpoint/checkpoint-targets.cmake
lib/libcheckpoint.a
lib/libcheckpoint.so libcheckpoint.so.$major
lib/pkgconfig/checkpoint.pc
share/checkpoint/tsan.supp
share/checkpoint/valgrind.supp
END
}

what_is_installed_is_stripped() {
  local file
  for file in "$prefix/lib/libcheckpoint.so" "$prefix/bin/ckpt"; do
    if readelf -SW "$file" | grep -F .symtab; then echo "not stripped: $file"; return 1; fi
  done
  configure . "$work/build" -DCHECKPOINT_STRIP=OFF
  cmake --install "$work/build" --prefix "$work/unstripped"
  readelf -SW "$work/unstripped/lib/libcheckpoint.so" | grep -F .symtab
  configure . "$work/build" -DCHECKPOINT_STRIP=ON
}

# So that it does not clash with another Rust library in the same program.
the_static_library_defines_nothing_but_the_c_abi() {
  diff <(nm -g --defined-only "$prefix/lib/libcheckpoint.a" | awk 'NF == 3 { print $3 }' | sort) \
    <(sed '/^#/d' tests/c/symbols.txt | sort)
}

the_static_library_is_made_anew_when_it_is_to_be_another() {
  local made=$work/archive/libcheckpoint.a from first
  mkdir "$work/archive"
  from=$(find "$cargo_dir" -path '*/release/libcheckpoint.a' | head -n 1)
  make_it() {
    cmake "-DCARGO_ARCHIVE=$from" "-DLIBRARY=$prefix/lib/libcheckpoint.so" "-DARCHIVE=$made" -DLINKER=ld -DNM=nm -DOBJCOPY=objcopy -DAR=ar \
      "-DSTRIP=$1" -P cmake/CheckpointArchive.cmake
  }
  make_it ON
  first=$(stat -c '%Y.%s %i' "$made")
  make_it ON
  same "$first" "$(stat -c '%Y.%s %i' "$made")"
  make_it OFF
  [ "$(stat -c %s "$made")" -gt "$(cut -d. -f2 <<<"${first% *}")" ] || { echo "still the one without symbols"; return 1; }
}

the_library_exports_its_list_under_its_soname() {
  tests/c/abi.sh "$prefix/lib/libcheckpoint.so" "libcheckpoint.so.$major" tests/c/symbols.txt
}

nothing_has_an_rpath() {
  local file
  for file in "$prefix/lib/libcheckpoint.so" "$prefix/bin/ckpt"; do
    if elf "$file" | grep -E 'RPATH|RUNPATH'; then return 1; fi
  done
}

no_text_names_where_it_was_built_or_installed() {
  if grep -rIlF -e "$work" -e "$root" "$prefix"; then return 1; fi
}

all_versions_agree() {
  same "$version" "$(pkg-config --modversion checkpoint)"
  same "ckpt $version" "$("$prefix/bin/ckpt" --version)"
  cmake -S tests/install/requests -B "$work/version" -DCMAKE_PREFIX_PATH="$prefix" -DACCEPTED="$version" >"$work/version.log"
  same "-- found $version" "$(grep found "$work/version.log")"
  grep -qF "<Version>$version</Version>" bindings/csharp/Checkpoint.csproj
  # Header and library, as C, C++, Go and C# see them: every consumer. Crate, header and C ABI:
  # `cargo test`.
}

requests_for_another_major_or_a_newer_version_are_refused() {
  local minor
  minor=$(cut -d. -f2 <<<"$version")
  cmake -S tests/install/requests -B "$work/requests" -DCMAKE_PREFIX_PATH="$prefix" \
    -DACCEPTED="$major;$major.$minor;$version;$major.0...<$((major + 1))" \
    -DREFUSED="$((major + 1));$major.$((minor + 1));$major,shared"
}

# But for gcc_s: compilers add it in the form that fits.
the_static_link_line_is_what_rustc_asks_for() {
  local asked
  asked=$(cargo rustc --locked --package libcheckpoint-c --lib --crate-type staticlib --target-dir "$cargo_dir/link-line" \
    -- --print native-static-libs 2>&1 | tee "$work/rustc.log" | sed -n 's/^note: native-static-libs: //p')
  [ -n "$asked" ] || { cat "$work/rustc.log"; return 1; }
  asked=${asked/-lgcc_s /}
  same "$asked" "$(pkg-config --static --libs-only-l checkpoint | sed 's/^-lcheckpoint //; s/ *$//')"
  # shellcheck disable=SC2001
  same "$(sed 's/-l//g; s/ /;/g' <<<"$asked")" \
    "$(sed -n 's/^ *INTERFACE_LINK_LIBRARIES "\(.*\)").*/\1/p' "$prefix/lib/cmake/checkpoint/checkpoint-targets.cmake")"
}

cmake_projects_find_it() {
  configure tests/install/consumer "$work/find" -DCMAKE_PREFIX_PATH="$prefix"
  builds "$work/find" shared
}

cmake_projects_get_the_static_one_by_build_shared_libs() {
  configure tests/install/consumer "$work/find-static" -DCMAKE_PREFIX_PATH="$prefix" -DBUILD_SHARED_LIBS=OFF
  builds "$work/find-static" none
}

cmake_projects_fetch_it() {
  configure tests/install/consumer "$work/fetch" -DWAY=fetch -DCHECKPOINT_SOURCE="$root"
  builds "$work/fetch" shared
}

# And nothing else of the package that they fetched.
cmake_projects_install_the_library_that_they_run_with() {
  local from
  for from in find fetch; do
    cmake --install "$work/$from" --prefix "$work/$from-installed"
    runs "$work/$from-installed/bin/cpp"
    diff - <(listing "$work/$from-installed") <<END
bin/cpp
lib/libcheckpoint.so.$major libcheckpoint.so.$version
lib/libcheckpoint.so.$version
END
  done
}

cmake_projects_can_install_the_package_that_they_fetched() {
  configure tests/install/consumer "$work/fetch" -DCHECKPOINT_INSTALL=ON
  cmake --build "$work/fetch"
  cmake --install "$work/fetch" --prefix "$work/repackaged"
  diff <(listing "$prefix" | grep -v '^bin/ckpt$') <(listing "$work/repackaged" | grep -v '^bin/cpp$')
}

cmake_projects_add_it_as_a_subdirectory() {
  configure tests/install/consumer "$work/subdir" -DWAY=subdir -DCHECKPOINT_SOURCE="$root" -DBUILD_SHARED_LIBS=OFF
  builds "$work/subdir" none
}

compilers_get_it_from_pkg_config() {
  local flags
  read -ra flags <<<"$(pkg-config --cflags --libs checkpoint)"
  cc tests/install/consumer/consumer.c "${flags[@]}" -o "$work/pc-c"
  c++ -std=c++17 tests/install/consumer/consumer.cpp "${flags[@]}" -o "$work/pc-cpp"
  needs_shared "$work/pc-c"
  needs_shared "$work/pc-cpp"
  LD_LIBRARY_PATH=$prefix/lib runs "$work/pc-c"
  LD_LIBRARY_PATH=$prefix/lib runs "$work/pc-cpp"
}

compilers_get_the_static_one_from_pkg_config() {
  local flags
  read -ra flags <<<"$(pkg-config --static --cflags --libs checkpoint | sed 's/-lcheckpoint/-l:libcheckpoint.a/')"
  cc tests/install/consumer/consumer.c "${flags[@]}" -o "$work/pc-static"
  needs_none "$work/pc-static"
  runs "$work/pc-static"
}

programs_are_wholly_static() {
  local flags form
  read -ra flags <<<"$(pkg-config --static --cflags --libs checkpoint)"
  for form in -static -static-pie; do
    cc $form tests/install/consumer/consumer.c "${flags[@]}" -o "$work/pc$form"
    c++ -std=c++17 $form tests/install/consumer/consumer.cpp "${flags[@]}" -o "$work/pc-cpp$form"
    runs "$work/pc$form"
    runs "$work/pc-cpp$form"
    if elf "$work/pc$form" | grep -F NEEDED; then return 1; fi
  done
}

# Each has Rust's standard library in it; the order of the two says nothing.
another_rust_library_is_in_the_same_program() {
  local flags other="$work/libother.a" libs order
  rustc --crate-type staticlib -O -o "$other" tests/install/together/other.rs
  read -ra flags <<<"$(pkg-config --cflags checkpoint)"
  read -ra libs <<<"$(pkg-config --static --libs checkpoint | sed 's/-lcheckpoint/-l:libcheckpoint.a/')"
  for order in first last; do
    if [ $order = first ]; then
      cc tests/install/together/two.c "${flags[@]}" "$other" "${libs[@]}" -o "$work/two"
    else
      cc tests/install/together/two.c "${flags[@]}" "${libs[@]}" "$other" -lm -o "$work/two"
    fi
    same "12 tensors, 10, 0" "$("$work/two" tests/data/guide 2>"$work/panic.log")"
    grep -qF "too many" "$work/panic.log"
  done
}

# A library may stand in a program that uses it itself and by two others.
libraries_of_one_program_share_it() {
  configure tests/install/together "$work/together" -DCMAKE_PREFIX_PATH="$prefix"
  cmake --build "$work/together"
  same $'12 tensors\n12 tensors' "$("$work/together/diamond" tests/data/guide)"
}

parts_of_a_project_each_take_it_in() {
  local parts number own
  for own in OFF ON; do
    for parts in "find;find" "find;subdir" "subdir;find" "subdir;subdir;find"; do
      rm -rf "$work/projects"
      configure tests/install/projects "$work/projects" -DCMAKE_PREFIX_PATH="$prefix" -DCHECKPOINT_SOURCE="$root" "-DPARTS=$parts" -DOWN=$own
      cmake --build "$work/projects"
      number=0
      for _ in ${parts//;/ }; do number=$((number + 1)); runs "$work/projects/program-$number"; done
    done
  done
}

another_version_in_one_project_is_refused() {
  cp -r "$prefix" "$work/older"
  sed -i "s/VERSION $version/VERSION 0.0.9/" "$work/older/lib/cmake/checkpoint/checkpoint-config.cmake"
  refuses "libcheckpoint 0.0.9 is in the project already; $version cannot be added to it" \
    configure tests/install/projects "$work/both" -DCMAKE_PREFIX_PATH="$work/older" -DCHECKPOINT_SOURCE="$root" "-DPARTS=find;subdir"
}

# Whoever debugs a program gets the library for use, unless they ask for the other.
projects_for_debugging_get_a_library_for_use() {
  local made
  configure tests/install/consumer "$work/debug" -DWAY=subdir -DCHECKPOINT_SOURCE="$root" -DCMAKE_BUILD_TYPE=Debug
  builds "$work/debug" shared
  made=$(find "$work/debug" -name "libcheckpoint.so.$version")
  cmp "$made" "$work/build/lib/libcheckpoint.so.$version"
  refuses "CHECKPOINT_CARGO_PROFILE is release or dev, not fast" \
    cmake -S tests/install/consumer -B "$work/debug" -DCHECKPOINT_CARGO_PROFILE=fast
}

generators_of_several_configurations_work() {
  local configuration
  cmake -S tests/install/consumer -B "$work/multi" -G "Ninja Multi-Config" -DWAY=subdir -DCHECKPOINT_SOURCE="$root" \
    "-DCHECKPOINT_CARGO_TARGET_DIR=$cargo_dir"
  for configuration in Debug Release; do
    cmake --build "$work/multi" --config $configuration
    runs "$work/multi/$configuration/cpp"
    runs "$work/multi/$configuration/c-static"
  done
}

every_compiler_takes_the_headers_in_every_standard() {
  local flags compiler standard
  read -ra flags <<<"$(pkg-config --cflags --libs checkpoint)"
  for compiler in g++ clang++ "clang++ -stdlib=libc++"; do
    for standard in 17 20 2b; do        # 23, as these compilers call it
      $compiler -std=c++$standard -Wall -Wextra -Werror tests/install/consumer/consumer.cpp "${flags[@]}" -o "$work/standard"
      LD_LIBRARY_PATH=$prefix/lib runs "$work/standard"
    done
  done
  # As Microsoft's compiler parses C++: with libc++, since libstdc++ itself is not made for it.
  read -ra flags <<<"$(pkg-config --cflags checkpoint)"
  clang++ -std=c++17 -stdlib=libc++ -fms-extensions -fms-compatibility -fms-compatibility-version=19.33 -Wall -Wextra -Werror -fsyntax-only \
    tests/install/consumer/consumer.cpp "${flags[@]}"
}

# Both report what is none without the files, and nothing with them.
the_sanitizer_and_valgrind_are_told_what_is_no_fault() {
  local flags tool
  local -A tools=([tsan]="env" [valgrind]="valgrind -q --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all --error-exitcode=66")
  read -ra flags <<<"$(pkg-config --cflags --libs checkpoint)"
  cc -std=c11 -g -fsanitize=thread tests/c/pending.c "${flags[@]}" -lpthread -o "$work/tsan"
  cc -std=c11 -g tests/install/suppressions/background.c "${flags[@]}" -o "$work/valgrind"
  export LD_LIBRARY_PATH=$prefix/lib
  for tool in tsan valgrind; do
    if ${tools[$tool]} "$work/$tool" "$work/$tool-out" >"$work/without" 2>&1; then echo "$tool has nothing to report"; return 1; fi
    same 66 "$(${tools[$tool]} "$work/$tool" "$work/$tool-out" >/dev/null 2>&1; echo $?)"
  done
  TSAN_OPTIONS="ignore_noninstrumented_modules=1 suppressions=$prefix/share/checkpoint/tsan.supp" "$work/tsan"
  ${tools[valgrind]} "--suppressions=$prefix/share/checkpoint/valgrind.supp" "$work/valgrind" "$work/valgrind-out"
}

# Its module is the project's, in a place of its own, and nothing of the project beside it.
go_modules_get_it_from_pkg_config() {
  cp -r bindings/go "$work/go-module"
  cp -r tests/install/consumer/go "$work/go-consumer"
  cd "$work/go-consumer"
  export GOTOOLCHAIN=local GOFLAGS="-mod=mod -tags=checkpoint_system"
  go mod edit -replace "libcheckpoint.dev/go/checkpoint=$work/go-module"
  go build -o "$work/consumer-go"
  needs_shared "$work/consumer-go"
  LD_LIBRARY_PATH=$prefix/lib runs "$work/consumer-go"
}

# The binding's sources are compiled with the program's.
csharp_programs_find_it() {
  mcs -langversion:7.2 -unsafe -d:NETSTANDARD2_0 -r:System.Numerics.dll "-out:$work/consumer.exe" \
    tests/install/consumer/csharp/Consumer.cs bindings/csharp/*.cs
  LD_LIBRARY_PATH=$prefix/lib runs mono "$work/consumer.exe"
}

# As a distribution's package is made: staged, in the directories of the distribution (on Debian
# lib/x86_64-linux-gnu).
a_staged_package_in_usr_is_found() {
  local libdir
  configure . "$work/staged-build" "${parts[@]}" -DCMAKE_INSTALL_PREFIX=/usr
  cmake --build "$work/staged-build"
  DESTDIR=$work/stage cmake --install "$work/staged-build"
  libdir=$(dirname "$(find "$work/stage/usr" -name libcheckpoint.so)")
  configure tests/install/consumer "$work/staged" -DCMAKE_PREFIX_PATH="$work/stage/usr" -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF
  cmake --build "$work/staged" --target cpp
  runs "$work/staged/cpp"
  PKG_CONFIG_PATH=$libdir/pkgconfig
  # shellcheck disable=SC2046
  cc tests/install/consumer/consumer.c $(pkg-config --cflags --libs checkpoint) -o "$work/pc-staged"
  LD_LIBRARY_PATH=$libdir runs "$work/pc-staged"
  same "$work/stage/usr" "$(realpath "$(pkg-config --variable=prefix checkpoint)")"
}

development_files_without_the_library_are_not_found() {
  refuses "lib/libcheckpoint.so.$version is missing" \
    cmake -S tests/install/consumer -B "$work/half" -G Ninja -DCMAKE_PREFIX_PATH="$work/development"
}

other_platforms_are_told_so() {
  local try=(cmake -S . -B "$work/other" --fresh -G Ninja) system
  system="$(uname -m)"
  refuses "libcheckpoint runs on Linux x86-64 and aarch64, not on FreeBSD $system" \
    "${try[@]}" -DCMAKE_SYSTEM_NAME=FreeBSD "-DCMAKE_SYSTEM_PROCESSOR=$system"
  refuses "libcheckpoint runs on Linux x86-64 and aarch64, not on Linux riscv64" \
    "${try[@]}" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=riscv64
  refuses "libcheckpoint is built on the kind of machine that it is for; it is not cross-compiled" \
    "${try[@]}" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64
  printf '#!/bin/sh\nprintf "cargo 1.89.0\\nhost: %s-unknown-linux-musl\\n"\n' "$system" >"$work/cargo-of-musl"
  chmod +x "$work/cargo-of-musl"
  refuses "libcheckpoint is built by a Rust for $system-unknown-linux-gnu, not by one for $system-unknown-linux-musl" \
    "${try[@]}" "-DCARGO_EXECUTABLE=$work/cargo-of-musl"
  printf '%s\n' "set(CMAKE_FIND_ROOT_PATH /nowhere)" "set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM ONLY)" >"$work/no-programs.cmake"
  refuses "libcheckpoint is built with cargo, which is not here: see https://rustup.rs" \
    "${try[@]}" -DCMAKE_PROJECT_checkpoint_INCLUDE="$work/no-programs.cmake"
}

tests=(each_component_holds_what_it_should what_is_installed_is_stripped the_static_library_defines_nothing_but_the_c_abi
  the_static_library_is_made_anew_when_it_is_to_be_another the_library_exports_its_list_under_its_soname nothing_has_an_rpath
  no_text_names_where_it_was_built_or_installed all_versions_agree requests_for_another_major_or_a_newer_version_are_refused
  the_static_link_line_is_what_rustc_asks_for cmake_projects_find_it cmake_projects_get_the_static_one_by_build_shared_libs
  cmake_projects_fetch_it cmake_projects_install_the_library_that_they_run_with
  cmake_projects_can_install_the_package_that_they_fetched cmake_projects_add_it_as_a_subdirectory compilers_get_it_from_pkg_config
  compilers_get_the_static_one_from_pkg_config programs_are_wholly_static another_rust_library_is_in_the_same_program
  libraries_of_one_program_share_it parts_of_a_project_each_take_it_in another_version_in_one_project_is_refused
  projects_for_debugging_get_a_library_for_use generators_of_several_configurations_work
  every_compiler_takes_the_headers_in_every_standard the_sanitizer_and_valgrind_are_told_what_is_no_fault go_modules_get_it_from_pkg_config csharp_programs_find_it a_staged_package_in_usr_is_found
  development_files_without_the_library_are_not_found other_platforms_are_told_so)

# ---------------------------------------------------------------- running them

configure . "$work/build" "${parts[@]}" >"$work/configure.log" || { cat "$work/configure.log"; exit 1; }
cmake --build "$work/build"
cmake --install "$work/build" --prefix "$work/first" >"$work/install.log"
mkdir "$work/elsewhere"
prefix=$work/elsewhere/moved
mv "$work/first" "$prefix"
cargo_dir=$(sed -n 's/^CHECKPOINT_CARGO_TARGET_DIR:PATH=//p' "$work/build/CMakeCache.txt")
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig

passed=0 failed=0
for name in "${tests[@]}"; do
  set +e
  (set -e; "$name") >"$work/log" 2>&1
  # shellcheck disable=SC2181  # in an `if` the test would lose its `set -e`
  if [ $? = 0 ]; then
    passed=$((passed + 1)); echo "ok      $name"
  else
    failed=$((failed + 1)); echo "FAILED  $name"; sed 's/^/    /' "$work/log"
  fi
  set -e
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
