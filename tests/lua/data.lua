-- lgen.data: rows as plans get them.
local lgen = require "lgen"
local support = require "support"
local check, raises = support.check, support.raises

local users = lgen.data.csv("../data/rows/users.csv")
local goods = lgen.data.json("../data/rows/goods.json")
local words = lgen.data.lines("../data/rows/words.txt")
local once = lgen.data.csv("../data/rows/users.csv", { on_end = "error" })
local bare = lgen.data.csv("../data/rows/users.csv", { columns = { "a", "b", "c" } })
local first_at_load = users:next()

local tests = {}

function tests.rows_of_csv()
  check("quoted, with a comma", users:at(1).note == "one, two")
  check("quoted, with quotes", users:at(2).name == 'Grace "Amazing" H')
  check("quoted, over two lines", users:at(2).note == "first line\nsecond")
  check("an empty value", users:at(3).note == "")
  check("an empty line is no row", #users == 3)
  check("columns given: the first row is data", #bare == 4 and bare:at(1).a == "name" and bare:at(4).b == "lin@example.org")
  local keys = {}
  for key in pairs(users:at(1)) do keys[#keys + 1] = key end
  table.sort(keys)
  check("pairs sees the columns", table.concat(keys, " ") == "mail name note", table.concat(keys, " "))
  local row = users:at(1)
  row.name, row.extra = "changed", 1
  check("a row is the plan's own", users:at(1).name == "ada")
  check("as JSON", lgen.json.encode(users:at(1)) == '{"mail":"ada@example.org","name":"ada","note":"one, two"}')
  check("its text", tostring(users) == 'lgen.data.csv "../data/rows/users.csv" (3 rows)', tostring(users))
end

function tests.rows_of_json()
  local tea, jam = goods:at(1), goods:at(2)
  check("numbers", tea.price == 2.5 and tea.left == -3 and jam.price == 4)
  check("a large number is exact", tostring(tea.big) == "9007199254740993ULL", tostring(tea.big))
  check("booleans", tea.fresh == true)
  check("lists and objects", #tea.tags == 2 and tea.tags[2] == lgen.null and jam.made.by == "me")
  check("null is absent, and so is what the row has not", tea.note == nil and jam.tags == nil)
end

function tests.rows_of_lines()
  check("there are four", #words == 4)
  check("line ends are no part of them", words:at(1) == "one" and words:at(3) == "" and words:at(4) == "four")
end

function tests.next_deals_and_begins_again()
  check("the load phase took the first", first_at_load.name == "ada")
  local names = {}
  for i = 1, 4 do names[i] = users:next().mail:match "^%a+" end
  check("then the others, then again", table.concat(names, " ") == "grace lin ada grace", table.concat(names, " "))
  for _ = 1, 3 do once:next() end
  check("or raises", raises('data.csv "../data/rows/users.csv": all 3 rows are used', once.next, once))
end

function tests.random_is_the_tasks()
  local seen = {}
  for _ = 1, 100 do seen[users:random().name] = true end
  check("every row comes", seen.ada and seen.lin and seen['Grace "Amazing" H'])
end

function tests.misuse()
  check("a misspelt column", raises("the row has no column 'nmae' (did you mean 'name'?)", function() return users:at(1).nmae end))
  check("an unknown column", raises("the row has no column 'zzzzzz' (it has: mail, name, note)", function() return users:random().zzzzzz end))
  check("index 0", raises("data:at: 0 is out of range (1..3)", users.at, users, 0))
  check("an index behind the end", raises("data:at: 4 is out of range (1..3)", users.at, users, 4))
  check("half an index", raises("data:at: whole number expected, got number 1.5", users.at, users, 1.5))
  check("no index", raises("data:at: number expected, got nothing", users.at, users))
  check("no VU", raises("data:for_vu: the vu expected", users.for_vu, users, {}))
  check("a point for a colon", raises("lgen.Data expected, got nothing; call methods with ':'", users.next))
  check("a misspelt method", raises("lgen.Data has no method or field 'nxt' (did you mean 'next'?)", function() return users:nxt() end))
  check("inside run", raises("lgen.data.lines: only at the top level of the plan", lgen.data.lines, "words.txt"))
end

support.run(tests)
