-- SPDX-License-Identifier: MIT
-- wrk: requests made from a file of values (tokens), one a line, in turn.
-- Arguments: FILE HOW METHOD BODY HEADER...; "%s" in the body or in a header stands for the value.
-- HOW "same": a thread goes round the file. HOW "turn": the refresh_token of an answer is the next
-- value, so each thread has a line of the file and a single connection.
local threads = 0
local requests, at = {}, 0
local method, body, headers, value

function setup(thread)
   thread:set("index", threads)
   threads = threads + 1
end

local function fill(text)
   return (text:gsub("%%s", function() return value end))
end

local function format()
   local h = {}
   for name, text in pairs(headers) do h[name] = fill(text) end
   return wrk.format(method, wrk.path, h, body ~= "" and fill(body) or nil)
end

local function turn(status, _, answer)
   if status == 200 then value = answer:match('"refresh_token":"([^"]+)"') end
end

function init(args)
   local values = {}
   for line in io.lines(args[1]) do values[#values + 1] = line end
   method, body, headers = args[3], args[4], {}
   for i = 5, #args do
      local name, text = args[i]:match("^([^:]+): (.*)$")
      headers[name] = text
   end
   if args[2] == "turn" then
      value = values[index % #values + 1]
      response = turn
      request = format
      return
   end
   for i = 1, #values do
      value = values[i]
      requests[i] = format()
   end
end

function request()
   at = at % #requests + 1
   return requests[at]
end
