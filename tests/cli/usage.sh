# Commands, options, help: what a person gets who mistypes.
. "$(dirname "$0")/lib.sh"

try "help" deed help; status 0; out "Commands:"; out "verify"; quiet
try "--help" deed --help; status 0; out "Commands:"
try "-h" deed -h; status 0; out "Commands:"
try "version" deed --version; status 0; out "deed "
for c in run check build test caps verify asm dis explain help; do
  try "help $c" deed help $c; status 0; out "deed $c"; quiet
  try "$c --help" deed $c --help; status 0; out "deed $c"
done
try "help of nothing" deed help chekc; status 2; err "did you mean \`check\`?"

try "mistyped command" deed chekc x.deed; status 2; err "no command"; err "did you mean \`deed check\`?"
try "unknown command" deed zzzzzz; status 2; err "deed help"
try "unknown option" deed check --jsno x.deed; status 2; err "has no option"; err "--json"
try "unknown short option" deed check -z x.deed; status 2; err "has no option"
try "unknown option of run" deed --frobnicate x.deed; status 2
try "flag with value" deed check --json=yes x.deed; status 2; err "takes no value"
try "missing value" deed run --seed; status 2; err "--seed needs a value"
try "bad number" deed run --seed=abc x.deed; status 2; err "not \`abc\`"
try "negative number" deed run --seed=-1 x.deed; status 2
try "huge number" deed run --seed=99999999999999999999 x.deed; status 2
try "bad size" deed run --memory=12xb x.deed; status 2; err "64mb"
try "huge size" deed run --memory=99999999999gb x.deed; status 2
try "bad choice" deed --color=purple x.deed; status 2; err "auto|always|never"
try "control characters are escaped" deed run "--a$(printf '\033')[31m" x; status 2; err '\u{1b}'

for c in run check build asm dis verify caps; do
  try "$c without a file" deed $c; status 2; err "deed help $c"
done
try "dis of two files" deed dis a b; status 2
try "explain" deed explain E0001; status 0; out "E0001"
try "explain in lower case" deed explain e0001; status 0; out "E0001"
try "explain all" deed explain; status 0; out "E0001"
try "explain of nothing" deed explain E9999; status 2; err "E9999"
try "explain of noise" deed explain ''; status 2
finish
