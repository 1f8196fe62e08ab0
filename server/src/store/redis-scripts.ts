import { hash } from 'node:crypto'

/**
 * The steps in Redis that must happen together, each as one Lua script.
 *
 * Scripts are addressed by their content, so that two versions of Syncline at one Redis each run their own. All of them may be
 * sent twice: what has been done already is recognised, and answered as it was. None writes before it has
 * checked everything, because Redis takes nothing back when a script fails in the middle; and the first thing that each writes
 * is something that Redis refuses when its memory is full.
 *
 * Links are 8 bytes here. Keys that depend on what is stored (`:base:<generation>`, `:ended:<epoch>`) are made of the
 * channel, which has the same hash tag and is declared.
 */

/** `Reply` is what it answers, with bytes as `Buffer`. */
export interface RedisScript<Reply> {
  readonly source: string
  readonly sha: string
  /** Never there: it only keeps the type. */
  readonly reply?: Reply
}

function script<Reply>(...parts: string[]): RedisScript<Reply> {
  const source = parts.join('')
  return { source, sha: hash('sha1', source, 'hex') }
}

/**
 * What a document is, and the link of one of its entries. The end of a log is its last entry, or its base where nothing stands
 * after it. There is no counter beside them that could say something else after a failover.
 */
const findState = `
local function stateOf(log, meta)
  local stored = redis.call('HMGET', meta, 'epoch', 'through', 'link', 'generation')
  local state = { epoch = stored[1], through = tonumber(stored[2] or 0), generation = stored[4] }
  state.base = stored[3] or string.rep('\\0', 8)
  state.seq, state.link = state.through, state.base
  local last = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
  if last then state.seq, state.link = tonumber(string.match(last[1], '^%d+')), last[2][2] end
  return state
end

-- Nothing for an entry that is not there, or lies inside the base.
local function linkAt(log, state, seq)
  if seq == state.seq then return state.link end
  if seq == state.through then return state.base end
  local id = string.format('%d-1', seq)
  local entry = redis.call('XRANGE', log, id, id)[1]
  return entry and entry[2][2]
end
`

/**
 * Answers `ok`, the epoch, the link before the first entry, and seq and link of each; or nothing but `absent` (it may not make the document), `rewritten`
 * or `deleted`.
 *
 * KEYS: log, meta, channel. ARGV: since, the link of the history that is given or nothing, its epoch or nothing, the beginning of the
 * publication, 1 if it carries the entries, an epoch for a new document or nothing if it may make none, its name; then for each
 * entry: the length of its origin, its link, its checksum, its body.
 */
export const appendScript = script<
  [status: Buffer, epoch: Buffer, before: Buffer, ...ends: (number | Buffer)[]]
>(
  findState,
  `
local log, meta, channel = KEYS[1], KEYS[2], KEYS[3]
local since, history, historyEpoch = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local state = stateOf(log, meta)
local epoch, seq, link = state.epoch, state.seq, state.link
if history ~= '' and not epoch then
  if historyEpoch ~= '' and redis.call('EXISTS', channel .. ':ended:' .. historyEpoch) == 1 then return { 'deleted' } end
  if since ~= 0 then return { 'rewritten' } end
elseif history ~= '' then
  if historyEpoch ~= '' and historyEpoch ~= epoch then return { 'rewritten' } end
  if since >= state.through and linkAt(log, state, since) ~= history then return { 'rewritten' } end
end
if not epoch and ARGV[6] == '' then return { 'absent' } end

local byNonce = {}
local from = since
while from < seq do
  local stored = redis.call('XRANGE', log, string.format('%d-0', from + 1), '+', 'COUNT', 64)
  if #stored == 0 then break end
  for _, entry in ipairs(stored) do
    from = tonumber(string.match(entry[1], '^%d+'))
    local nonce = string.sub(entry[2][8], 2, 9)
    byNonce[nonce] = byNonce[nonce] or {}
    table.insert(byNonce[nonce], { seq = from, link = entry[2][2], previous = entry[2][4], body = entry[2][8] })
  end
end
-- Each stored entry answers for one only, as entries may share a nonce.
local function takeKnown(body, originLength)
  for i, known in ipairs(byNonce[string.sub(body, 2, 9)] or {}) do
    if string.sub(known.body, 1, originLength) == string.sub(body, 1, originLength) then
      return table.remove(byNonce[string.sub(body, 2, 9)], i)
    end
  end
end

local before, reply, published = link, { 'ok', false, link }, {}
for i = 8, #ARGV, 4 do
  local body = ARGV[i + 3]
  local known = takeKnown(body, tonumber(ARGV[i]))
  if known then
    if #reply == 3 then reply[3] = known.previous end
    table.insert(reply, known.seq)
    table.insert(reply, known.link)
  else
    local own = ARGV[i + 1]
    redis.call('XADD', log, string.format('%d-1', seq + 1), 'l', own, 'p', link, 'c', ARGV[i + 2], 'b', body)
    seq, link = seq + 1, own
    table.insert(reply, seq)
    table.insert(reply, link)
    table.insert(published, own .. struct.pack('>I4', #body) .. body)
  end
end
if not epoch then
  epoch = historyEpoch ~= '' and historyEpoch or ARGV[6]
  redis.call('HSET', meta, 'epoch', epoch, 'name', ARGV[7])
end
if #published > 0 and ARGV[5] == '1' then
  local first = struct.pack('>I8', seq - #published + 1)
  redis.call('SPUBLISH', channel, ARGV[4] .. first .. before .. table.concat(published))
elseif #published > 0 then
  redis.call('SPUBLISH', channel, ARGV[4] .. struct.pack('>I8', seq) .. link)
end
reply[2] = epoch
return reply
`,
)

/** KEYS: log, meta. What can be said without content. */
export const positionScript = script<
  [
    epoch: Buffer | null,
    seq: number,
    link: Buffer,
    generation: Buffer | null,
    baseBytes: Buffer | null,
    tailEntries: number,
  ]
>(
  findState,
  `
local state = stateOf(KEYS[1], KEYS[2])
local bytes = redis.call('HGET', KEYS[2], 'bytes')
return { state.epoch, state.seq, state.link, state.generation, bytes, redis.call('XLEN', KEYS[1]) }
`,
)

/** KEYS: log, meta, former, channel. */
export const loadScript = script<
  [
    epoch: Buffer | null,
    seq: number,
    link: Buffer,
    former: Buffer[],
    numbers: (Buffer | null)[],
    content: (Buffer | null)[],
  ]
>(
  findState,
  `
local numbers = redis.call('HMGET', KEYS[2], 'generation', 'through', 'link', 'pieces', 'bytes')
local content = {}
if numbers[1] then
  content = redis.call('HMGET', KEYS[4] .. ':base:' .. numbers[1], 'byteVector', 'documentVector', 'catchUp')
end
local state = stateOf(KEYS[1], KEYS[2])
return { state.epoch, state.seq, state.link, redis.call('LRANGE', KEYS[3], 0, -1), numbers, content }
`,
)

/** KEYS: log, meta. ARGV: after, how many bytes of bodies. Answers where the base ends, then seq, link, previous link, checksum, body of each. */
export const readScript = script<[through: number, ...entries: (number | Buffer)[]]>(`
local through = tonumber(redis.call('HGET', KEYS[2], 'through') or 0)
local from, left = math.max(tonumber(ARGV[1]), through), tonumber(ARGV[2])
local reply = { through }
-- Few at first, since each may have megabytes.
local count = 4
while true do
  local stored = redis.call('XRANGE', KEYS[1], string.format('%d-0', from + 1), '+', 'COUNT', count)
  local bytes = 0
  for _, entry in ipairs(stored) do
    local fields = entry[2]
    left, bytes = left - #fields[8], bytes + #fields[8]
    if left < 0 and #reply > 1 then return reply end
    from = tonumber(string.match(entry[1], '^%d+'))
    for _, value in ipairs({ from, fields[2], fields[4], fields[6], fields[8] }) do table.insert(reply, value) end
  end
  if #stored < count or left <= 0 then return reply end
  count = math.min(256, 1 + math.floor(left / (bytes / #stored)))
end
`)

/** KEYS: meta, channel. ARGV: generation, piece. Of a generation that is no more, or of another epoch, it answers nothing. */
export const pieceScript = script<[] | [piece: Buffer | null]>(`
local key = KEYS[2] .. ':base:' .. ARGV[1]
local epoch = redis.call('HGET', key, 'epoch')
if not epoch or epoch ~= redis.call('HGET', KEYS[1], 'epoch') then return {} end
return { redis.call('HGET', key, ARGV[2]) }
`)

/** What is put under a log was written beforehand, as a whole or it does not count. */
const findBase = `
local function isWhole(base, pieces)
  return redis.call('HLEN', base) == tonumber(pieces) + 3
end
`

/**
 * KEYS: log, meta, channel, new base. ARGV: expected generation or nothing, through, link or nothing, new generation, its
 * pieces, its bytes, how long the former base is kept (ms), the publication. Answers `ok`, `superseded` or `lost`: the base
 * that was written beforehand is not there, or not all of it.
 */
export const swapScript = script<Buffer>(
  findState,
  findBase,
  `
local log, meta, base = KEYS[1], KEYS[2], KEYS[4]
local state = stateOf(log, meta)
local current = state.generation
if current == ARGV[4] then return 'ok' end
if not state.epoch or (current or '') ~= ARGV[1] then return 'superseded' end
local link = linkAt(log, state, tonumber(ARGV[2]))
if not link or (ARGV[3] ~= '' and ARGV[3] ~= link) then return 'superseded' end
if not isWhole(base, ARGV[5]) then return 'lost' end
redis.call('HSET', base, 'epoch', state.epoch)
redis.call('PERSIST', base)
redis.call('HSET', meta, 'generation', ARGV[4], 'through', ARGV[2], 'link', link, 'pieces', ARGV[5], 'bytes', ARGV[6])
redis.call('XTRIM', log, 'MINID', string.format('%d-0', tonumber(ARGV[2]) + 1))
if current then redis.call('PEXPIRE', KEYS[3] .. ':base:' .. current, ARGV[7]) end
redis.call('SPUBLISH', KEYS[3], ARGV[8])
return 'ok'
`,
)

/**
 * KEYS: log, meta, channel, new base, former. ARGV: 1 if an end is expected, its epoch or nothing, its seq, its link, the
 * new epoch, the link of its first entry, generation, pieces, bytes, what the former epoch had, name, the publication. Answers
 * like the one above.
 */
export const renewScript = script<Buffer>(
  findState,
  findBase,
  `
local log, meta, base, former = KEYS[1], KEYS[2], KEYS[4], KEYS[5]
local state = stateOf(log, meta)
local epoch = state.epoch
if epoch == ARGV[5] then return 'ok' end
local isExpected = (epoch or '') == ARGV[2] and state.seq == tonumber(ARGV[3]) and state.link == ARGV[4]
if ARGV[1] == '1' and not isExpected then return 'superseded' end
if not isWhole(base, ARGV[8]) then return 'lost' end
redis.call('HSET', base, 'epoch', ARGV[5])
redis.call('PERSIST', base)
if epoch then redis.call('RPUSH', former, epoch, ARGV[10]) end
redis.call('HSET', meta, 'epoch', ARGV[5], 'name', ARGV[11],
  'generation', ARGV[7], 'through', 1, 'link', ARGV[6], 'pieces', ARGV[8], 'bytes', ARGV[9])
redis.call('UNLINK', log)
if state.generation then redis.call('UNLINK', KEYS[3] .. ':base:' .. state.generation) end
redis.call('SPUBLISH', KEYS[3], ARGV[12])
return 'ok'
`,
)

/**
 * KEYS: log, meta, channel, former, lease. ARGV: epoch, how long it is remembered (ms), the publication. What a document was is
 * remembered for a while, or a room elsewhere that has not heard of the deletion would bring it back.
 */
export const deleteScript = script<number>(`
local log, meta, channel, former, lease = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local stored = redis.call('HMGET', meta, 'epoch', 'generation')
if stored[1] ~= ARGV[1] then return 0 end
local ended = redis.call('LRANGE', former, 0, -1)
if stored[2] then redis.call('UNLINK', channel .. ':base:' .. stored[2]) end
redis.call('UNLINK', log, meta, former, lease)
redis.call('SET', channel .. ':ended:' .. ARGV[1], '', 'PX', ARGV[2])
for i = 1, #ended, 2 do redis.call('SET', channel .. ':ended:' .. ended[i], '', 'PX', ARGV[2]) end
redis.call('SPUBLISH', channel, ARGV[3])
return 1
`)

/** KEYS: meta, base. ARGV: generation. */
export const dropScript = script<number>(`
if redis.call('HGET', KEYS[1], 'generation') == ARGV[1] then return 0 end
return redis.call('UNLINK', KEYS[2])
`)

/** KEYS: lease. ARGV: who has it. */
export const releaseScript = script<number>(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`)
