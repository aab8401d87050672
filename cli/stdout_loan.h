// Standard output for an output alone (--out json=-): what the plan prints meanwhile goes to standard error.
// Thread: the main thread, before and after the run.
#pragma once

namespace lgen::cli {

class StdoutLoan {
 public:
  StdoutLoan() = default;
  ~StdoutLoan() { give_back(); }
  StdoutLoan(const StdoutLoan&) = delete;
  StdoutLoan& operator=(const StdoutLoan&) = delete;

  /// From now on writing to standard output, also by programs that are started, leads to standard error.
  void take();
  void give_back();
  /// Where standard output really leads.
  int real_stdout() const { return kept_ >= 0 ? kept_ : 1; }

 private:
  int kept_ = -1;
};

}  // namespace lgen::cli
