#!/usr/bin/env bash
# Sets up what a target needs, and nothing that is already there.
#
#   tools/setup.sh [engine] [dev] [train] [qgis] [docs]
#
#   engine   .venv/ in the checkout with the locked packages and the command rs-copilot
#   dev      the same, and the tools of development
#   train    torch without CUDA in .venv/, where this machine can get one; after engine or dev
#   qgis     QGIS and what its tests need, from the distribution
#   docs     what makes screenshots, from the distribution
#
# RS_COPILOT_NO_SYSTEM=1   never install distribution packages
# RS_COPILOT_PYTHON=PATH   the interpreter that .venv/ is made from (3.10 or newer)
# RS_COPILOT_NO_UV=1       use venv and pip even where uv is there
set -euo pipefail
cd "$(dirname "$0")/.."

readonly VENV=.venv
readonly STAMP=$VENV/.rs-copilot-stamp
readonly UV_VENV=.cache/uv
# Where Python may not keep what it has compiled, as in many containers, each start of the engine would compile
# two hundred modules again, which takes a second or two; pip does this by itself.
if [[ -n ${PYTHONDONTWRITEBYTECODE:-} ]]; then export UV_COMPILE_BYTECODE=1; fi
readonly USABLE='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))'

say() { printf 'setup: %s\n' "$*"; }

# --- distribution packages -------------------------------------------------------------------

as_root=()
may_install() {
  [[ -z ${RS_COPILOT_NO_SYSTEM:-} ]] || return 1
  command -v apt-get >/dev/null || return 1
  if [[ $(id -u) == 0 ]]; then return 0; fi
  command -v sudo >/dev/null || return 1
  # With a terminal sudo may ask for the password; without one it must not hang.
  if [[ -t 0 ]] || sudo -n true 2>/dev/null; then as_root=(sudo); return 0; fi
  return 1
}

why_not() {
  if [[ -n ${RS_COPILOT_NO_SYSTEM:-} ]]; then echo "RS_COPILOT_NO_SYSTEM is set"
  elif ! command -v apt-get >/dev/null; then echo "this is not a Debian or Ubuntu system"
  else echo "neither root nor sudo"; fi
}

is_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# install_system WHAT PACKAGE...: installs those that are missing; fails where it may not.
install_system() {
  local what=$1 package; shift
  local missing=()
  for package in "$@"; do is_installed "$package" || missing+=("$package"); done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  say "$what: installing with apt-get: ${missing[*]}"
  "${as_root[@]}" apt-get -q update >/dev/null
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; return 1; }
}

# --- Python ----------------------------------------------------------------------------------

find_python() {
  local candidate
  for candidate in "${RS_COPILOT_PYTHON:-}" python3 python3.13 python3.12 python3.11 python3.10; do
    if [[ -n $candidate ]] && "$candidate" -c "$USABLE" 2>/dev/null; then
      command -v "$candidate"; return 0
    fi
  done
  return 1
}

need_python() {
  python=$(find_python) && return 0
  if may_install; then install_system "Python" python3 python3-venv ca-certificates || true; fi
  python=$(find_python) && return 0
  say "no Python 3.10 or newer with venv and ensurepip was found, and none could be installed" \
    "($(why_not)). Install python3 and python3-venv, or set RS_COPILOT_PYTHON." >&2
  exit 4
}

# The machine's pip settings (index, find-links, certificates) hold for uv too.
take_pip_settings() {
  local settings
  settings=$("$1" tools/uv_settings.py) && eval "$settings"
}

# uv of the machine, or one in a private environment; none is no failure.
find_uv() {
  [[ -z ${RS_COPILOT_NO_UV:-} ]] || return 1
  if command -v uv >/dev/null && uv --version >/dev/null 2>&1; then uv=uv; return 0; fi
  if [[ ! -x $UV_VENV/bin/uv ]]; then
    say "uv: installing into $UV_VENV"
    "$python" -m venv "$UV_VENV" &&
      "$UV_VENV/bin/python" -m pip install -q --disable-pip-version-check --require-hashes \
        -r tools/locks/uv.txt || return 1
  fi
  "$UV_VENV/bin/uv" --version >/dev/null 2>&1 && uv=$UV_VENV/bin/uv
}

make_venv() {
  "$VENV/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && return 0
  say "making $VENV with $("$python" --version)"
  rm -rf "$VENV"
  if [[ -n $uv ]]; then "$uv" venv -q --no-config --python "$python" "$VENV" && return 0; fi
  "$python" -m venv "$VENV"
}

need_pip() {
  "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || "$VENV/bin/python" -m ensurepip >/dev/null
}

# install_packages ARGUMENT...: through uv, or through pip where uv cannot.
install_packages() {
  if [[ -n $uv ]]; then
    "$uv" pip install -q --no-config -p "$VENV/bin/python" "$@" && return 0
    say "uv could not install; trying pip"
  fi
  need_pip
  "$VENV/bin/python" -m pip install -q --disable-pip-version-check "$@"
}

locks_of() {
  if [[ $1 == dev ]]; then echo tools/locks/dev.txt
  else echo core/locks/cpu.txt tools/locks/build.txt; fi
}

stamp_of() {
  { pwd; echo "$1"; cat $(locks_of "$1") pyproject.toml; } | sha256sum | cut -d ' ' -f 1
}

is_up_to_date() {
  [[ -x $VENV/bin/rs-copilot && -f $STAMP ]] || return 1
  # An environment with the tools of development serves the engine too.
  [[ $(<"$STAMP") == "$(stamp_of dev)" || $(<"$STAMP") == "$(stamp_of "$1")" ]]
}

need_installer() {
  need_python
  uv=; find_uv || say "uv is not at hand: using venv and pip"
  take_pip_settings "$([[ -x $UV_VENV/bin/python ]] && echo "$UV_VENV/bin/python" || echo "$python")"
}

need_venv() {
  is_up_to_date "$1" && return 0
  local lock started=$SECONDS
  need_installer
  make_venv
  for lock in $(locks_of "$1"); do
    say "$VENV: packages of $lock (pinned, checked by hash)"
    # A lock is complete but for what it leaves out on purpose, which nothing may fetch after all.
    install_packages --no-deps --require-hashes -r "$lock"
  done
  install_packages --no-build-isolation --no-deps -e .
  stamp_of "$1" >"$STAMP"
  say "$VENV is ready ($((SECONDS - started)) s)"
}

# --- torch -----------------------------------------------------------------------------------

# Only training needs it. On Linux the registry's torch brings gigabytes of CUDA along, so this takes a build
# without: from the machine's own indexes and folders, else from the place that uv knows for such builds.
need_torch() {
  local found="import importlib.util as u, sys; sys.exit(u.find_spec('torch') is None)"
  "$VENV/bin/python" -c "$found" && return 0
  need_installer
  say "$VENV: torch without CUDA (for the tests that train)"
  if [[ -n $uv ]]; then
    local install=("$uv" pip install -q --no-config -p "$VENV/bin/python" -r tools/locks/torch.in)
    "${install[@]}" 2>"$log" || UV_HTTP_RETRIES=0 "${install[@]}" --torch-backend cpu 2>>"$log" && return 0
  elif need_pip && "$VENV/bin/python" -m pip install -q -r tools/locks/torch.in 2>"$log"; then return 0; fi
  say "this machine can get no torch without CUDA: the tests that train will be skipped"
}

# --- QGIS ------------------------------------------------------------------------------------

# need_optional WHAT CONSEQUENCE PACKAGE...: goes on without where it may not be installed.
need_optional() {
  local what=$1 consequence=$2 package; shift 2
  local missing=()
  for package in "$@"; do is_installed "$package" || missing+=("$package"); done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if ! may_install; then say "$what is not complete here and may not be installed ($(why_not)): $consequence"
  elif ! install_system "$what" "${missing[@]}"; then say "$what could not be installed: $consequence"; fi
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
for part in "$@"; do
  case $part in
    engine | dev) need_venv "$part" ;;
    train) need_torch ;;
    qgis) need_optional QGIS "going on without it" qgis python3-qgis python3-pytest xvfb xauth ;;
    docs) need_optional "Screenshot tools" "no screenshots" xvfb xauth imagemagick xdotool fonts-open-sans ;;
    *) say "unknown part '$part'; see the head of tools/setup.sh" >&2; exit 2 ;;
  esac
done
