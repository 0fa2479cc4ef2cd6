# shellcheck shell=bash
# What is built from source, each into a folder of its own in the cache, named
# after the package, its version and a digest of how it is built, with our
# patches (packaging/patches/NAME-X.Y). A build happens in a work folder and
# is renamed into place as its last act, so a folder that exists is whole.

mkdir -p "$CACHE/built" "$CACHE/work"
JOBS=${TONIO_JOBS:-$(nproc)}

# digest TEXT...: short, and different for each platform and compiler.
digest() { printf '%s\n' "$PLATFORM" "$@" | sha256sum | cut -c -10; }

# built NAME MINOR DIGEST: the newest finished build of this minor version.
built() { find "$CACHE/built" -maxdepth 1 -name "$1-$2*-$3" 2>/dev/null | sort -V | tail -n 1; }

# ensure_built RESULT NAME MINOR SOURCE_PACKAGE RECIPE OPTIONS: sets RESULT to
# the prefix of NAME. RECIPE runs in the unpacked sources; it configures for
# $PREFIX and installs under $DESTDIR.
ensure_built() {
  local -n result=$1
  local name=$2 minor=$3 package=$4 recipe=$5 options=$6 key version
  # A source archive of CPython has its whole version for $minor.
  local patches=$ROOT/packaging/patches/$name-$(cut -d . -f 1,2 <<<"$minor")
  PATCHES=()
  if [ -d "$patches" ]; then PATCHES=("$patches"/*.patch); fi
  key=$(digest "$(declare -f "$recipe")" "$options" ${PATCHES:+"$(cat "${PATCHES[@]}")"})
  result=$(built "$name" "$minor" "$key")
  if [ -n "$result" ]; then return; fi
  if [ -n "$PYTHON_SOURCE" ] && [ "$name" = python ]; then
    version=$minor
    SOURCE_ARCHIVE=$PYTHON_SOURCE
  else
    update_source_lists
    version=$(source_version "$package")
    [ -n "$version" ] || die "$SOURCE_SUITE has no source package $package"
    case $version in "$minor"*) ;; *) [ "$name" != python ] || die "$SOURCE_SUITE has $package $version, not $minor" ;; esac
    step "Download $package $version" "check the network; the mirror must carry $SOURCE_SUITE's sources" \
      download_source "$package" "$version"
    SOURCE_ARCHIVE=
  fi
  PREFIX=$CACHE/built/$name-$(tr -c 'A-Za-z0-9.\n' . <<<"$version")-$key
  WORK=$CACHE/work/$name-$key
  DESTDIR=$WORK/dest
  step "Build $name $version${options:+ ($options)}" "see the log" build_in_work "$package" "$version" "$recipe" "$options"
  printf '%s\n' "$name $version" "$options" "$PLATFORM" "${PATCHES[@]##*/}" >"$DESTDIR$PREFIX/tonio-build"
  mv -T "$DESTDIR$PREFIX" "$PREFIX"
  rm -rf "$WORK"
  result=$PREFIX
}

build_in_work() {
  local package=$1 version=$2 recipe=$3 options=$4 fix
  export PREFIX DESTDIR
  rm -rf "$WORK"
  mkdir -p "$WORK"
  cd "$WORK"
  if [ -n "$SOURCE_ARCHIVE" ]; then
    mkdir source
    tar -x -f "$SOURCE_ARCHIVE" -C source --strip-components=1
  else
    dpkg-source --no-check --skip-patches -x "$CACHE/sources/${package}_${version#*:}.dsc" source
    # Debian's layout changes are *.diff and would move site-packages; its
    # fixes are *.patch.
    for fix in $(grep -E '^[^#].*\.patch$' source/debian/patches/series 2>/dev/null); do
      patch -d source -p1 --batch --forward <"source/debian/patches/$fix"
    done
  fi
  # Ours come last (packaging/patches).
  for fix in "${PATCHES[@]}"; do
    patch -d source -p1 --batch --forward --fuzz=0 <"$fix" || {
      echo "packaging/patches: ${fix##*/} does not fit $package $version" >&2
      return 1
    }
  done
  cd source
  "$recipe" "$options"
}

# has_mbedtls_threading CONFIG_HEADER
has_mbedtls_threading() { [ "$(grep -cE '^#define MBEDTLS_THREADING_(C|PTHREAD)$' "$1")" -eq 2 ]; }

# Both libraries are compiled with the hardening of our own objects (packaging/cmake/TonioOptions.cmake).
# The flags stand in the recipes, whose text is part of the key.
build_libuv() {
  local flags="-g1 -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=3"
  cmake -S . -B b -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS="$flags" -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
    -DLIBUV_BUILD_SHARED=OFF -DBUILD_TESTING=OFF -DCMAKE_INSTALL_PREFIX="$PREFIX" -DCMAKE_INSTALL_LIBDIR=lib
  ninja -C b -j "$JOBS" install
}

build_mbedtls() {
  local flags="-g1 -fstack-protector-strong -fstack-clash-protection -D_FORTIFY_SOURCE=3"
  # Two connections on two threads share the random generator and the PSA key store.
  local config=include/mbedtls/mbedtls_config.h
  sed -i -E 's@^//(#define MBEDTLS_THREADING_(C|PTHREAD))$@\1@' "$config"
  has_mbedtls_threading "$config"
  cmake -S . -B b -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS="$flags" -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
    -DENABLE_PROGRAMS=OFF -DENABLE_TESTING=OFF -DMBEDTLS_FATAL_WARNINGS=OFF \
    -DCMAKE_INSTALL_PREFIX="$PREFIX" -DCMAKE_INSTALL_LIBDIR=lib
  ninja -C b -j "$JOBS" install
}

# Options: words of shared, static, optimized, tsan.
build_python() {
  local flags=(--prefix="$PREFIX" --disable-gil --without-ensurepip) run=()
  local cflags="" ldflags=""
  case " $1 " in
    *" shared "*)
      flags+=(--enable-shared)
      # Nobody overrides libpython's own functions: let it call them directly.
      cflags="-fno-semantic-interposition" ldflags="-fno-semantic-interposition -Wl,-rpath,$PREFIX/lib"
      ;;
  esac
  case " $1 " in
    *" optimized "*) flags+=(--enable-optimizations --with-lto) ;;
    *) flags+=(--disable-test-modules) ;;
  esac
  case " $1 " in
    *" tsan "*)
      flags+=(--with-thread-sanitizer)
      # The build runs what it made, and a gcc 12 ThreadSanitizer fails under
      # the address randomisation of newer kernels.
      run=(setarch -R)
      ;;
  esac
  "${run[@]}" ./configure "${flags[@]}" CFLAGS_NODIST="$cflags" LDFLAGS_NODIST="$ldflags"
  "${run[@]}" make -j "$JOBS"
  "${run[@]}" make install DESTDIR="$DESTDIR"
  local tried
  for tried in _ssl _bz2 _lzma _ctypes _sqlite3 zlib readline _uuid _curses; do
    ls "$DESTDIR$PREFIX"/lib/python3.*t/lib-dynload/"$tried".*.so >/dev/null || {
      echo "CPython was built without the module $tried" >&2
      return 1
    }
  done
}
