"""What must happen at once in Redis: a few lines each, known to every server without modules.

Whoever stops between two commands leaves something without an end; here there is no between.
"""

from __future__ import annotations

_IF_MINE = "if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end "
_LIVE_ON = """
if redis.call('pttl', KEYS[1]) < tonumber(ARGV[#ARGV]) then
  redis.call('pexpire', KEYS[1], ARGV[#ARGV])
end
"""

RENEW = (
    _IF_MINE + "redis.call('pexpire', KEYS[2], ARGV[2]) "
    "return redis.call('pexpire', KEYS[1], ARGV[2])"
)
"""Lock, line; token, life: a lease begins anew, also of what was told."""

UNLOCK = _IF_MINE + "return redis.call('del', KEYS[1])"
"""Lock; token."""

PUBLISH = _IF_MINE + "redis.call('set', KEYS[2], ARGV[2], 'px', ARGV[3]) return 1"
"""Lock, entry; token, blob, life."""

NOTE = "redis.call('sadd', KEYS[1], ARGV[1])" + _LIVE_ON
"""Index; member, life: it lives as long as its longest entry."""

APPEND = "redis.call('xadd', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'e', ARGV[1])" + _LIVE_ON
"""Series; blob, about how many at most, life."""

TELL = """
for at = 2, #ARGV, 2 do
  redis.call('hset', KEYS[1], ARGV[at], ARGV[at + 1])
end
redis.call('pexpire', KEYS[1], ARGV[1])
"""
"""Line; life, then number and frame by turns."""

BUMP = """
local time = redis.call('time')
local last = redis.call('zrange', KEYS[1], -1, -1, 'withscores')
local epoch = math.max(time[1] * 1000000 + time[2], tonumber(last[2] or 0) + 1)
redis.call('zadd', KEYS[1], string.format('%.0f', epoch), ARGV[1])
local surplus = redis.call('zcard', KEYS[1]) - tonumber(ARGV[2])
if surplus > 0 then
  local gone = redis.call('zrange', KEYS[1], surplus - 1, surplus - 1, 'withscores')
  redis.call('zremrangebyrank', KEYS[1], 0, surplus - 1)
  redis.call('zadd', KEYS[1], gone[2], ARGV[3])
end
return epoch
"""
"""Book; scope, how many are kept, the scope that stands for the others.

By the server's own time, for processes need not agree on theirs; and later than all before it, for
servers that take each other's place need not agree either.
"""

REMIND = """
for at = 1, #ARGV, 2 do
  local known = tonumber(redis.call('zscore', KEYS[1], ARGV[at]) or 0)
  if known < tonumber(ARGV[at + 1]) then
    redis.call('zadd', KEYS[1], ARGV[at + 1], ARGV[at])
  end
end
"""
"""Book; scope and epoch by turns."""
