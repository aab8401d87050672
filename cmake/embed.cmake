# Writes OUT, a C++ source with the text of every one of FILES under its path below BASE.
set(body "#include <cstddef>\n#include \"lgen/embedded.h\"\n\nnamespace lgen {\nextern const EmbeddedFile ${SYMBOL}[];\nextern const std::size_t ${SYMBOL}_count;\nconst EmbeddedFile ${SYMBOL}[] = {\n")
set(count 0)
foreach(file IN LISTS FILES)
  file(READ "${file}" text)
  file(RELATIVE_PATH name "${BASE}" "${file}")
  # A raw string literal may hold 64 KiB at most on some compilers; our texts are far below.
  string(APPEND body "    {\"${name}\", R\"lgen~(${text})lgen~\"},\n")
  math(EXPR count "${count} + 1")
endforeach()
string(APPEND body "};\nconst std::size_t ${SYMBOL}_count = ${count};\n}  // namespace lgen\n")
file(WRITE "${OUT}" "${body}")
