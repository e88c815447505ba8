/**
 * Programs that become the next one in the row: for an engine that nobody waits for as for the log and the gateways. On a machine of few cores it takes turns with those (batch
 * scheduling) instead of interrupting them; and threads that look for work every 10 us while there is any, as Cassandra's do, wake a fifth as often and take half the time (timer slack).
 */
export const inBackground: readonly string[] =
  process.platform === 'linux' ? ['chrt', '--batch', '0', 'sh', '-c', 'echo 1000000 > /proc/self/timerslack_ns; exec "$@"', 'sh'] : [];
