-- SPDX-License-Identifier: MIT
-- wrk: POST /api/v1/memories, each request by the next user of a file of tokens, each with words of its own.
local words = { "rosemary", "thyme", "kitchen", "window", "garden", "bicycle", "museum", "harbour", "violin", "lantern", "pepper",
   "cinema", "marathon", "blanket", "compass", "saffron", "orchard", "pottery", "railway", "umbrella", "copper", "meadow",
   "telescope", "walnut", "ferry", "sketchbook", "raincoat", "chessboard", "lavender", "typewriter" }
local tokens, n, run = {}, 0, 0
local threads = 0

function setup(thread)
   thread:set("seed", threads)
   threads = threads + 1
end

function init(args)
   for line in io.lines(args[1]) do tokens[#tokens + 1] = line end
   run = os.time() % 100000          -- no round repeats the words of another: that would be a duplicate, not a memory
   math.randomseed(run * 64 + seed)
end

function request()
   n = n + 1
   local text = {}
   for i = 1, 8 do text[i] = words[math.random(#words)] end
   local body = string.format('{"type":"fact","content":"Note %d of %d at %d: %s."}', n, seed, run, table.concat(text, " "))
   local headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. tokens[n % #tokens + 1] }
   return wrk.format("POST", wrk.path, headers, body)
end
