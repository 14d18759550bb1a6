# Writes the examples as string literals. Expects OUT and ROOT (the folder of examples).
file(GLOB examples RELATIVE ${ROOT} ${ROOT}/*)
list(SORT examples)
set(rows "")
set(names "")
foreach(example IN LISTS examples)
  file(GLOB_RECURSE files RELATIVE ${ROOT}/${example} ${ROOT}/${example}/*.weft
       ${ROOT}/${example}/*.yaml)
  list(SORT files)
  if(files)
    string(APPEND names "\"${example}\", ")
  endif()
  foreach(file IN LISTS files)
    file(READ ${ROOT}/${example}/${file} body)
    string(APPEND rows
      "    Row{\"${example}\", {\"${file}\", R\"weft(${body})weft\"}},\n")
  endforeach()
endforeach()
file(WRITE ${OUT} "#include \"cli/starter.h\"

namespace weft::cli {
namespace {

struct Row {
  std::string_view example;
  StarterFile file;
};
constexpr Row kRows[] = {
${rows}};

}  // namespace

std::vector<StarterFile> StarterFiles(const std::string& example) {
  std::vector<StarterFile> files;
  for (const Row& row : kRows) {
    if (row.example == example) files.push_back(row.file);
  }
  return files;
}

std::vector<std::string> StarterNames() { return {${names}}; }

}  // namespace weft::cli
")
