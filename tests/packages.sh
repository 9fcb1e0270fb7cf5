# Sourced. install_packages NAME...: installs those Debian packages that are missing, as root or with sudo.
install_packages() {
  local missing=() sudo=()
  for p in "$@"; do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  [ "$(id -u)" = 0 ] || sudo=(sudo)
  echo "installing: ${missing[*]}"
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    </dev/null >/dev/null
}

# debian_root ROOT RELEASE PACKAGE...: another release of Debian with those packages below that folder, made once, as root.
debian_root() {
  local root=$1 release=$2
  shift 2
  [ ! -e "$root/.complete" ] || return 0
  rm -rf "$root"
  mkdir -p "$(dirname "$root")"
  debootstrap --variant=minbase --include="$(IFS=,; echo "$*")" "$release" "$root" >&2
  touch "$root/.complete"
}
