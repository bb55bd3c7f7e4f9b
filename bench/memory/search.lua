-- SPDX-License-Identifier: MIT
-- wrk: POST each line of a file as a body, in turn. Arguments: the file, a token.
local bodies, n, headers = {}, 0, nil

function init(args)
   for line in io.lines(args[1]) do bodies[#bodies + 1] = line end
   headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. args[2] }
end

function request()
   n = n % #bodies + 1
   return wrk.format("POST", wrk.path, headers, bodies[n])
end
