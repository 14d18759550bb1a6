// The subcommands. Each Add… declares one; when it was chosen, parsing runs it and sets
// `exit_code`.
#pragma once

namespace CLI {
class App;
}

namespace weft::cli {

inline constexpr int kExitClean = 0;
inline constexpr int kExitFindings = 1;  // findings, failed tests, unformatted files
inline constexpr int kExitCannot = 2;    // usage, unreadable input
inline constexpr int kExitUndecided = 3;

void AddTest(CLI::App& app, int& exit_code);
void AddVerify(CLI::App& app, int& exit_code);
void AddCheckProof(CLI::App& app, int& exit_code);
void AddFmt(CLI::App& app, int& exit_code);
void AddEmit(CLI::App& app, int& exit_code);
void AddPlan(CLI::App& app, int& exit_code);
void AddInit(CLI::App& app, int& exit_code);
void AddExplain(CLI::App& app, int& exit_code);
void AddWhoCan(CLI::App& app, int& exit_code);
void AddCanReach(CLI::App& app, int& exit_code);
void AddSimulate(CLI::App& app, int& exit_code);
void AddCompletion(CLI::App& app, int& exit_code);
void AddCheck(CLI::App& app, int& exit_code);
void AddExplainCode(CLI::App& app, int& exit_code);
void AddImport(CLI::App& app, int& exit_code);
void AddServe(CLI::App& app, int& exit_code);
void AddAgent(CLI::App& app, int& exit_code);
void AddEnroll(CLI::App& app, int& exit_code);
void AddStatus(CLI::App& app, int& exit_code);
void AddApprove(CLI::App& app, int& exit_code);
void AddRollback(CLI::App& app, int& exit_code);
void AddAudit(CLI::App& app, int& exit_code);
void AddBackup(CLI::App& app, int& exit_code);
void AddRestore(CLI::App& app, int& exit_code);
void AddVersion(CLI::App& app, int& exit_code);

}  // namespace weft::cli
