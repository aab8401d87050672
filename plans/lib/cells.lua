-- Text for tables of a report: cells, dots for what is not known, lines of at most 80 characters.
local M = {}

-- `text` at the right of a cell; of UTF-8 only first bytes count.
function M.right(text, width)
  local _, more = text:gsub("[\128-\191]", "")
  return (" "):rep(width - #text + more) .. text
end

-- For fields of events: a number with at most three digits behind the point, or nothing.
function M.rounded(value) return value and math.floor(value * 1e3 + 0.5) / 1e3 end

-- `value` by `format`, or a dot.
function M.dot(format, value) return value and format:format(value) or "·" end

-- A name of ASCII letters, of whose beginning what is beyond `width` is left out.
function M.left(name, width)
  if #name > width then return "…" .. name:sub(1 - width) end
  return name .. (" "):rep(width - #name)
end

-- Prints words behind `head`, on as many lines as they need.
function M.print_words(head, words)
  local line, width = head, #head
  for _, word in ipairs(words) do
    local _, more = word:gsub("[\128-\191]", "")
    if width + 1 + #word - more > 80 then
      print(line)
      line, width = (" "):rep(#head), #head
    end
    line, width = line .. " " .. word, width + 1 + #word - more
  end
  print(line)
end

-- The same of a text.
function M.print_text(head, text)
  local words = {}
  for word in text:gmatch "%S+" do words[#words + 1] = word end
  M.print_words(head, words)
end

local headed = false

-- Prints the first line of a table, after an empty one where another table stands above it.
function M.print_head(line)
  if headed then print "" end
  headed = true
  print(line)
end

return M
