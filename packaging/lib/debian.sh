# shellcheck shell=bash
# Debian's packages, binary and source.

# Not exported: the program that is run in the end gets the user's environment.
APT_ENVIRONMENT=(env LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive)

# What the sources of dependencies that are too old here are taken from.
SOURCE_SUITE=trixie
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "${APT_ENVIRONMENT[@]}" "$@"
  else
    sudo -- "${APT_ENVIRONMENT[@]}" "$@"
  fi
}

require_debian() {
  command -v apt-get >/dev/null && command -v dpkg-query >/dev/null || die \
    "this is not a Debian system (no apt-get)" \
    "install the dependencies listed in CONTRIBUTING.md by hand and use cmake directly"
}

missing_packages() {
  local installed package
  installed=$(dpkg-query -W -f '${binary:Package} ${db:Status-Status}\n' 2>/dev/null | sed -n 's/^\([^ :]*\)[^ ]* installed$/\1/p')
  for package in "$@"; do
    grep -qxF -- "$package" <<<"$installed" || printf '%s\n' "$package"
  done
}

APT_UPDATED=
update_lists() {
  if [ -z "$APT_UPDATED" ]; then
    step "Package lists" "check the network and the machine's apt sources (apt-get update must work)" \
      as_root apt-get -q update
    APT_UPDATED=1
  fi
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@")
  if [ "${#missing[@]}" -eq 0 ]; then return; fi
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die \
      "these packages are missing, and there is neither root nor sudo to install them: ${missing[*]}" \
      "as root: apt-get install ${missing[*]}"
    sudo -v || die "sudo refused" "as root: apt-get install ${missing[*]}"
  fi
  update_lists
  step "Debian packages (${#missing[@]})" "see the log; 'apt-get install ${missing[*]}' must work as root" \
    as_root apt-get -q install -y --no-install-recommends "${missing[@]}"
}

# candidate PACKAGE: the version that apt would install, or nothing.
candidate() { "${APT_ENVIRONMENT[@]}" apt-cache policy "$1" | sed -n 's/^  Candidate: \([^(].*\)/\1/p'; }

at_least() { [ -n "$1" ] && dpkg --compare-versions "${1#*:}" ge "$2"; }

# The mirror of Debian's main archive that this machine uses.
mirror() {
  apt-get indextargets --format '$(LABEL)|$(SITE)' 'Created-By: Packages' | sed -n 's/^Debian|//p' | head -n 1
}

source_apt() {
  local apt=$CACHE/apt
  local command=$1
  shift
  "${APT_ENVIRONMENT[@]}" "$command" -q -o Dir::Etc::SourceList="$apt/source.sources" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt/cache" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
    -o APT::Default-Release= -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}

SOURCES_UPDATED=
update_source_lists() {
  if [ -n "$SOURCES_UPDATED" ]; then return; fi
  local site
  # Without lists apt doesn't know which of its sites is Debian's main archive.
  if [ -z "$(mirror)" ]; then update_lists; fi
  site=$(mirror)
  [ -n "$site" ] || die "apt knows no mirror of Debian's main archive to take sources from" \
    "add one to the machine's apt sources, or give --python and newer libuv and mbedTLS packages"
  [ -r "$KEYRING" ] || install_packages debian-archive-keyring
  mkdir -p "$CACHE/apt/lists/partial" "$CACHE/apt/cache/archives/partial"
  printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
    "$site" "$SOURCE_SUITE" "$KEYRING" >"$CACHE/apt/source.sources"
  step "Source lists ($SOURCE_SUITE)" "the machine's Debian mirror must offer $SOURCE_SUITE" source_apt apt-get update
  SOURCES_UPDATED=1
}

# source_version PACKAGE: its version in SOURCE_SUITE.
source_version() {
  source_apt apt-cache showsrc --only-source "$1" | sed -n 's/^Version: //p' | sort -V | tail -n 1
}

download_source() {
  mkdir -p "$CACHE/sources"
  cd "$CACHE/sources"
  source_apt apt-get source --download-only --only-source "$1=$2"
}
