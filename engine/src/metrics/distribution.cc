// The question: a load balancer stands between us and some backends. Does it place connections, streams, or something
// in between? The table says how many streams of each connection's life (row) each backend (column) served.
//
// The verdict, in this order:
//
//  inconclusive             More than 5 % of the streams do not know their backend; or there is only one backend; or no
//                           connection carried 5 streams.
//  per_connection           Every row with at least 5 streams stayed on one backend, there are at least two backends,
//                           and random placement would do that with a chance, (1/k)^(sum of (n_row - 1)) over these
//                           rows, below 1e-6. Above it: inconclusive, too few streams.
//  per_stream               The rows follow one common distribution over all backends (homogeneity.cc, p >= 0.001). Or
//                           they differ by more than chance, and yet by little: every row of at least 5 streams met
//                           every backend, with at least a third of its share, and Cohen's w is below 0.5, where large
//                           effects begin. A balancer that deals in turn does that to clients that take turns (0.1 to
//                           0.4); two zones of which each keeps 80 % of its own are at 0.6.
//  per_stream_within_subset The backends fall into at least two sets: two backends are linked when they share more than
//                           10 % of the rows of the rarer one, connected components are the sets. Rows spread inside
//                           their set; at most 10 % of the rows are astray, that is, have a stream outside the set
//                           that holds most of theirs.
//  inconclusive             Both of the last two fit: the sets may be chance (two connections of 5 streams each, dealt
//                           in turn over 10 pods, share no pod either). Or neither fits: the placement is mixed.
//
// Why both are asked before either is answered: homogeneity alone would call a zoned balancer with few streams fair,
// and sets alone would call a fair balancer with few streams zoned. A verdict that people change their cluster for must
// be one that the other explanation cannot produce.
//
// "Rows spread inside their set" is judged on rows with at least 5 streams whose set has at least two backends. Some of
// them stay on one backend by luck (of 5 streams over two pods, 1 in 16); beyond that luck 10 % may, as with astray
// rows. Rows of a set of one backend have nowhere to spread and say nothing.
//
// Measured (tests/unit/metrics/distribution_test.cc): over thousands of simulated fair, sticky and zoned balancers not
// one wrong verdict; a fair one comes out inconclusive about once in a thousand runs, which is what p >= 0.001 means.
#include "lgen/distribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "homogeneity.h"

namespace lgen {

namespace {

constexpr std::uint64_t kLongRow = 5;   // streams
constexpr double kUnknownLimit = 0.05;  // of all streams
constexpr double kChanceLimit = 1e-6;   // that random placement looks per connection
constexpr double kHomogeneous = 0.001;  // least p of one common distribution
constexpr double kMediumEffect = 0.3;   // Cohen's w
constexpr double kLargeEffect = 0.5;
constexpr double kLeastShare = 1.0 / 3;  // of what a row would give a backend if they were
constexpr double kLinkShare = 0.10;      // of the rarer backend's rows
constexpr double kAstrayLimit = 0.10;    // of all rows
constexpr std::uint64_t kGoodRow = 10;   // streams a connection to ask for

struct Row {
  std::string name;
  std::vector<std::size_t> met;  // indices of its backends
  std::uint64_t streams = 0;
};

/// The table without "unknown", empty rows and empty columns, and what every rule asks about it.
struct Evidence {
  std::string row_word, col_word;
  std::vector<std::string> backends;
  std::vector<Row> rows;
  CountMatrix counts;
  std::vector<std::uint64_t> served;  // by backend
  std::uint64_t streams = 0, unknown = 0;

  explicit Evidence(const DistributionTable& table);
  std::uint64_t longest() const;
  std::size_t long_rows() const;
  /// Long rows that met more than one backend.
  std::vector<const Row*> split_long_rows() const;
};

Evidence::Evidence(const DistributionTable& table) : row_word(table.rows), col_word(table.cols) {
  std::vector<std::size_t> columns;
  for (std::size_t j = 0; j < table.col_names.size(); ++j) {
    std::uint64_t sum = 0;
    for (const auto& row : table.counts) sum += row[j];
    if (table.col_names[j] == kUnknownBackend) {
      unknown += sum;
    } else if (sum > 0) {
      columns.push_back(j);
      backends.push_back(table.col_names[j]);
      served.push_back(sum);
      streams += sum;
    }
  }
  for (std::size_t i = 0; i < table.counts.size(); ++i) {
    Row row{table.row_names[i], {}, 0};
    std::vector<std::uint64_t> cells;
    for (std::size_t j = 0; j < columns.size(); ++j) {
      cells.push_back(table.counts[i][columns[j]]);
      row.streams += cells.back();
      if (cells.back() > 0) row.met.push_back(j);
    }
    if (row.streams == 0) continue;
    rows.push_back(std::move(row));
    counts.push_back(std::move(cells));
  }
}

std::uint64_t Evidence::longest() const {
  std::uint64_t most = 0;
  for (const Row& row : rows) most = std::max(most, row.streams);
  return most;
}

std::size_t Evidence::long_rows() const {
  return static_cast<std::size_t>(
      std::count_if(rows.begin(), rows.end(), [](const Row& row) { return row.streams >= kLongRow; }));
}

std::vector<const Row*> Evidence::split_long_rows() const {
  std::vector<const Row*> split;
  for (const Row& row : rows) {
    if (row.streams >= kLongRow && row.met.size() > 1) split.push_back(&row);
  }
  return split;
}

// Words ---------------------------------------------------------------------------------------------------------------

template <class Number>
std::string count_of(Number n, std::string_view word) {
  return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s");
}

std::string percent(double share) { return fmt::format("{:.3g} %", 100 * share); }

/// "a, b, c and 4 more".
std::string list(const std::vector<std::string>& names, std::size_t most = 4) {
  const std::size_t shown = names.size() > most + 1 ? most : names.size();
  std::string text =
      fmt::format("{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

/// multi_channel's flags, where the rows are its connections.
std::string flag(const Evidence& e, std::string_view name, std::uint64_t value) {
  return e.row_word == "connection" ? fmt::format(", e.g. {} {}", name, value) : std::string();
}

std::string p_text(double p) { return p < kHomogeneous ? "p < 0.001" : fmt::format("p = {:.2g}", p); }

Verdict inconclusive(std::string why, double p = 1) {
  Verdict verdict;
  verdict.why = std::move(why);
  verdict.p = p;
  return verdict;
}

// Too little to judge -------------------------------------------------------------------------------------------------

Verdict no_streams() {
  return inconclusive("no stream was served, so there is nothing to judge; look at the errors of the run first");
}

Verdict too_many_unknown(const Evidence& e) {
  const std::uint64_t all = e.streams + e.unknown;
  return inconclusive(fmt::format(
      "{} of {} ({}) did not learn their {}, at most {} may; let every answer carry its {}'s name and say "
      "where it is (backend = {{header = \"x-backend\"}}), and look whether these streams failed early",
      e.unknown, count_of(all, "stream"), percent(static_cast<double>(e.unknown) / static_cast<double>(all)),
      e.col_word, percent(kUnknownLimit), e.col_word));
}

Verdict one_backend(const Evidence& e) {
  const std::string seen =
      fmt::format("one {} ({}) served all {} of {}, which fits every kind of balancing", e.col_word, e.backends[0],
                  count_of(e.streams, "stream"), count_of(e.rows.size(), e.row_word));
  if (e.rows.size() == 1) {
    return inconclusive(fmt::format("{}; run with several {}s{} and at least two {}s behind the balancer", seen,
                                    e.row_word, flag(e, "--channels", 3), e.col_word));
  }
  return inconclusive(fmt::format("{}; run at least two {}s behind the balancer, or more {}s{} if there are", seen,
                                  e.col_word, e.row_word, flag(e, "--channels", 3 * e.rows.size())));
}

Verdict short_rows(const Evidence& e) {
  return inconclusive(fmt::format("only {} per {}, {} are needed to tell; run with more{}",
                                  count_of(e.longest(), "stream"), e.row_word, kLongRow,
                                  flag(e, "--streams", kGoodRow * e.rows.size())));
}

// Per connection ------------------------------------------------------------------------------------------------------

/// log10 of the chance that random placement keeps every long row on one backend.
double log_chance(const Evidence& e) {
  double exponent = 0;
  for (const Row& row : e.rows) {
    if (row.streams >= kLongRow) exponent += static_cast<double>(row.streams - 1);
  }
  return -exponent * std::log10(static_cast<double>(e.backends.size()));
}

/// Streams in all that would push the chance below the limit, dealt evenly.
std::uint64_t streams_to_settle(const Evidence& e) {
  const double needed = -std::log10(kChanceLimit) / std::log10(static_cast<double>(e.backends.size()));
  const double per_row = std::floor(needed / static_cast<double>(e.long_rows())) + 2;
  return std::max<std::uint64_t>(kGoodRow, static_cast<std::uint64_t>(per_row)) * e.rows.size();
}

std::string short_rows_note(const Evidence& e) {
  const std::size_t few = e.rows.size() - e.long_rows();
  if (few == 0) return {};
  return fmt::format(" ({} with fewer than {} streams not judged)", count_of(few, e.row_word), kLongRow);
}

Verdict every_row_stayed(const Evidence& e) {
  const double chance = std::pow(10.0, log_chance(e));
  const std::string stayed = e.long_rows() == 1 ? fmt::format("the one {}", e.row_word)
                                                : fmt::format("every one of {}", count_of(e.long_rows(), e.row_word));
  if (chance >= kChanceLimit) {
    return inconclusive(
        fmt::format("{} stayed on one {}{}, but with so few streams random placement does that too (chance {:.2g}, "
                    "must be below 1e-6); run with more streams{}",
                    stayed, e.col_word, short_rows_note(e), chance, flag(e, "--streams", streams_to_settle(e))),
        chance);
  }
  Verdict verdict;
  verdict.kind = VerdictKind::per_connection;
  verdict.p = chance;
  for (const std::string& backend : e.backends) verdict.subsets.push_back({backend});
  verdict.why = fmt::format(
      "{} stayed on one of {}{}; by chance 1 in 1e{:.0f}. New {}s get load only when {}s are made anew", stayed,
      count_of(e.backends.size(), e.col_word), short_rows_note(e), std::floor(-log_chance(e)), e.col_word, e.row_word);
  return verdict;
}

// Sets of backends ----------------------------------------------------------------------------------------------------

struct Sets {
  std::vector<std::size_t> of;                    // backend -> set
  std::vector<std::vector<std::size_t>> members;  // set -> backends
  std::size_t astray = 0;                         // rows
  std::size_t judged = 0, stuck = 0;              // long rows in sets of several backends; of these, on one backend
  double stuck_by_luck = 0;                       // how many of these luck explains
};

/// For each pair of backends, the rows that met both; on the diagonal, the rows that met this one.
CountMatrix shared_rows(const Evidence& e) {
  CountMatrix shared(e.backends.size(), std::vector<std::uint64_t>(e.backends.size()));
  for (const Row& row : e.rows) {
    for (const std::size_t a : row.met) {
      for (const std::size_t b : row.met) ++shared[a][b];
    }
  }
  return shared;
}

/// Gives every backend that can be reached over links from `from` the set number `set`.
void flood(const CountMatrix& shared, std::size_t from, std::size_t set, std::vector<std::size_t>& of) {
  std::vector<std::size_t> frontier{from};
  of[from] = set;
  while (!frontier.empty()) {
    const std::size_t a = frontier.back();
    frontier.pop_back();
    for (std::size_t b = 0; b < shared.size(); ++b) {
      const auto rarer = static_cast<double>(std::min(shared[a][a], shared[b][b]));
      if (of[b] != shared.size() || static_cast<double>(shared[a][b]) <= kLinkShare * rarer) continue;
      of[b] = set;
      frontier.push_back(b);
    }
  }
}

/// The set that holds most of a row's streams.
std::size_t majority_set(const Evidence& e, const Sets& sets, std::size_t row) {
  std::vector<std::uint64_t> held(sets.members.size());
  for (const std::size_t j : e.rows[row].met) held[sets.of[j]] += e.counts[row][j];
  return static_cast<std::size_t>(std::max_element(held.begin(), held.end()) - held.begin());
}

/// The chance that a row of `streams` stays on one backend of its set although its streams are placed one by one.
double luck(const Evidence& e, const std::vector<std::size_t>& members, std::uint64_t streams) {
  double sum = 0, chance = 0;
  for (const std::size_t j : members) sum += static_cast<double>(e.served[j]);
  for (const std::size_t j : members) {
    chance += std::pow(static_cast<double>(e.served[j]) / sum, static_cast<double>(streams));
  }
  return chance;
}

void judge_row(const Evidence& e, std::size_t i, Sets& sets) {
  const Row& row = e.rows[i];
  const std::size_t home = majority_set(e, sets, i);
  const bool stays = std::all_of(row.met.begin(), row.met.end(), [&](std::size_t j) { return sets.of[j] == home; });
  sets.astray += stays ? 0 : 1;
  if (row.streams < kLongRow || sets.members[home].size() < 2) return;
  ++sets.judged;
  sets.stuck += row.met.size() == 1 ? 1 : 0;
  sets.stuck_by_luck += luck(e, sets.members[home], row.streams);
}

Sets find_sets(const Evidence& e) {
  Sets sets;
  const CountMatrix shared = shared_rows(e);
  sets.of.assign(e.backends.size(), e.backends.size());  // size(): in no set yet
  for (std::size_t j = 0; j < e.backends.size(); ++j) {
    if (sets.of[j] == e.backends.size()) {
      flood(shared, j, sets.members.size(), sets.of);
      sets.members.emplace_back();
    }
    sets.members[sets.of[j]].push_back(j);
  }
  for (std::size_t i = 0; i < e.rows.size(); ++i) judge_row(e, i, sets);
  return sets;
}

double astray_share(const Evidence& e, const Sets& sets) {
  return static_cast<double>(sets.astray) / static_cast<double>(e.rows.size());
}

/// Several sets, hardly a row astray, and rows spread inside their set.
bool fits_sets(const Evidence& e, const Sets& sets) {
  if (sets.members.size() < 2 || sets.judged == 0 || astray_share(e, sets) > kAstrayLimit) return false;
  const double allowed = kAstrayLimit * static_cast<double>(sets.judged) + sets.stuck_by_luck;
  return static_cast<double>(sets.stuck) <= allowed;
}

void fill_sets(const Evidence& e, const Sets& sets, Verdict& verdict) {
  for (const auto& members : sets.members) {
    auto& names = verdict.subsets.emplace_back();
    for (const std::size_t j : members) names.push_back(e.backends[j]);
  }
  verdict.astray = astray_share(e, sets);
}

// Per stream, within subsets, mixed -----------------------------------------------------------------------------------

/// sqrt(X2 / N), the size of what a test of homogeneity has found; J. Cohen, Statistical Power Analysis, 1988, ch. 7.
double cohens_w(const Evidence& e, double statistic) { return std::sqrt(statistic / static_cast<double>(e.streams)); }

/// Every long row met every backend, and about as often as the others.
bool every_row_reaches_all(const Evidence& e) {
  for (std::size_t i = 0; i < e.rows.size(); ++i) {
    if (e.rows[i].streams < kLongRow) continue;
    for (std::size_t j = 0; j < e.backends.size(); ++j) {
      const double share = static_cast<double>(e.served[j]) / static_cast<double>(e.streams);
      const double expected = share * static_cast<double>(e.rows[i].streams);
      if (static_cast<double>(e.counts[i][j]) < kLeastShare * expected) return false;
    }
  }
  return true;
}

Verdict spread_over_all(const Evidence& e, const Homogeneity& homogeneity) {
  const double p = homogeneity.p;
  Verdict verdict;
  verdict.kind = VerdictKind::per_stream;
  verdict.p = p;
  verdict.subsets.push_back(e.backends);
  const auto [least, most] = std::minmax_element(e.served.begin(), e.served.end());
  const double all = static_cast<double>(e.streams);
  const double w = cohens_w(e, homogeneity.statistic);
  const std::string proportion = p >= kHomogeneous
                                     ? "in one common proportion"
                                     : fmt::format(
                                           "in proportions that differ by more than chance, with a {} effect "
                                           "(Cohen's w {:.2f})",
                                           w < kMediumEffect ? "small" : "medium", w);
  verdict.why = fmt::format(
      "the streams of {} spread over all {} {} ({} to {} each; homogeneity {}). New {}s get load from the next stream "
      "on",
      count_of(e.rows.size(), e.row_word), count_of(e.backends.size(), e.col_word), proportion,
      percent(static_cast<double>(*least) / all), percent(static_cast<double>(*most) / all), p_text(p), e.col_word);
  return verdict;
}

/// "{a, b} {c, d}", at most four sets.
std::string list_sets(const Verdict& verdict) {
  std::vector<std::string> sets;
  sets.reserve(verdict.subsets.size());
  for (const auto& set : verdict.subsets) sets.push_back("{" + list(set) + "}");
  return list(sets);
}

Verdict spread_in_sets(const Evidence& e, const Sets& sets, double p) {
  Verdict verdict;
  verdict.kind = VerdictKind::per_stream_within_subset;
  verdict.p = p;
  fill_sets(e, sets, verdict);
  verdict.why = fmt::format(
      "each of {} spread its streams inside one of {} sets of {}s only ({} of the {}s astray; one common "
      "distribution: {}). The load of a set follows its {}s, so look at zones, or at proxies with backends of their "
      "own",
      count_of(e.rows.size(), e.row_word), sets.members.size(), e.col_word, percent(verdict.astray), e.row_word,
      p_text(p), e.row_word);
  return verdict;
}

Verdict sets_or_chance(const Evidence& e, const Sets& sets, double p) {
  Verdict verdict = inconclusive({}, p);
  fill_sets(e, sets, verdict);
  verdict.why = fmt::format(
      "the {}s seem to use separate sets of {}s ({}), but with {} on {} chance alone does that too ({}, must be below "
      "0.001); run with more streams{}",
      e.row_word, e.col_word, list_sets(verdict), count_of(e.streams, "stream"), count_of(e.rows.size(), e.row_word),
      p_text(p), flag(e, "--streams", std::max(4 * e.streams, kGoodRow * e.rows.size())));
  return verdict;
}

/// What the long rows did: "58 of 60 connections stayed on one backend, main[3]#1 and main[7]#1 did not".
std::string what_rows_did(const Evidence& e) {
  const auto split = e.split_long_rows();
  const std::size_t stayed = e.long_rows() - split.size();
  std::string text = fmt::format("{} of {} stayed on one {}", stayed, count_of(e.long_rows(), e.row_word), e.col_word);
  if (split.size() > e.long_rows() / 5) return text + fmt::format(", {} spread", split.size());
  std::vector<std::string> names;
  for (const Row* row : split) names.push_back(row->name);
  return text + fmt::format(", these did not: {}", list(names));
}

Verdict mixed(const Evidence& e, const Sets& sets, double p) {
  Verdict verdict = inconclusive({}, p);
  fill_sets(e, sets, verdict);
  verdict.why = fmt::format(
      "mixed: {}, and their shares differ by more than chance ({}; {} of the {}s cross the {} of {}s found). Did {}s "
      "come "
      "or go, or two balancers share the path? Repeat with a steady set of {}s and a longer run",
      what_rows_did(e), p_text(p), percent(verdict.astray), e.row_word, count_of(sets.members.size(), "set"),
      e.col_word, e.col_word, e.col_word);
  return verdict;
}

Verdict judge_spread(const Evidence& e) {
  const Homogeneity homogeneity = test_homogeneity(e.counts);
  const double p = homogeneity.p;
  const Sets sets = find_sets(e);
  const bool one_distribution = p >= kHomogeneous, in_sets = fits_sets(e, sets);
  if (one_distribution && in_sets) return sets_or_chance(e, sets, p);
  if (one_distribution) return spread_over_all(e, homogeneity);
  if (in_sets) return spread_in_sets(e, sets, p);
  const bool nearly_one = every_row_reaches_all(e) && cohens_w(e, homogeneity.statistic) < kLargeEffect;
  if (nearly_one) return spread_over_all(e, homogeneity);
  return mixed(e, sets, p);
}

}  // namespace

std::string_view to_string(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::per_connection:
      return "per_connection";
    case VerdictKind::per_stream:
      return "per_stream";
    case VerdictKind::per_stream_within_subset:
      return "per_stream_within_subset";
    case VerdictKind::inconclusive:
      return "inconclusive";
  }
  return "inconclusive";
}

Verdict judge_distribution(const DistributionTable& table) {
  const Evidence e(table);
  if (e.streams + e.unknown == 0) return no_streams();
  if (static_cast<double>(e.unknown) > kUnknownLimit * static_cast<double>(e.streams + e.unknown)) {
    return too_many_unknown(e);
  }
  if (e.backends.size() == 1) return one_backend(e);
  if (e.long_rows() == 0) return short_rows(e);
  return e.split_long_rows().empty() ? every_row_stayed(e) : judge_spread(e);
}

}  // namespace lgen
