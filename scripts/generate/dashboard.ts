interface Panel {
  readonly title: string;
  readonly unit: 'short' | 'ops' | 's' | 'bytes' | 'percentunit';
  /** PromQL by what its lines are called. */
  readonly lines: Readonly<Record<string, string>>;
}

const minute = (metric: string) => `rate(heliograph_${metric}[1m])`;

/** From what users notice, through the way of a message, to the processes. */
const rows: Readonly<Record<string, readonly Panel[]>> = {
  Users: [
    { title: 'Messages accepted', unit: 'ops', lines: { '{{instance}}': minute('gateway_messages_accepted_total') } },
    { title: 'Sessions', unit: 'short', lines: { '{{instance}}': 'heliograph_gateway_sessions' } },
    { title: 'Requests refused', unit: 'ops', lines: { '{{code}}': `sum by (code) (${minute('gateway_requests_refused_total')})` } },
    {
      title: 'Sessions closed and sockets refused',
      unit: 'ops',
      lines: {
        'closed: {{reason}}': `sum by (reason) (${minute('gateway_sessions_closed_total')})`,
        'refused: {{reason}}': `sum by (reason) (${minute('gateway_sockets_refused_total')})`,
      },
    },
  ],
  'Way of a message': [
    {
      title: 'Lag of each consumer group',
      unit: 'short',
      lines: { '{{group}}': 'sum by (group) (max by (topic, group, partition) (heliograph_log_lag_records))' },
    },
    { title: 'Pushes to sessions', unit: 'ops', lines: { '{{answer}}': `sum by (answer) (${minute('pipeline_pushes_total')})` } },
    {
      title: 'Rows written',
      unit: 'ops',
      lines: {
        history: `sum(${minute('pipeline_history_messages_total')})`,
        inbox: `sum(${minute('pipeline_inbox_rows_total')})`,
        watermarks: `sum(${minute('pipeline_watermarks_total')})`,
      },
    },
    {
      title: 'Wake-ups by push',
      unit: 'ops',
      lines: {
        '{{outcome}}': `sum by (outcome) (${minute('wake_ups_total')})`,
        'put off: {{cause}}': `sum by (cause) (${minute('wake_ups_delayed_total')})`,
        'not in the log': `sum(${minute('wake_ups_dropped_total')})`,
      },
    },
    {
      title: 'Channels',
      unit: 'ops',
      lines: {
        'heads told by the pipelines': `sum(${minute('pipeline_channel_heads_total')})`,
        'heads heard by gateways': `sum(${minute('gateway_channel_heads_total')})`,
        'frames to sessions': `sum(${minute('gateway_channel_head_frames_total')})`,
      },
    },
    {
      title: 'Files',
      unit: 'ops',
      lines: {
        'URLs: {{kind}}': `sum by (kind) (${minute('media_urls_total')})`,
        'deleted: {{reason}}': `sum by (reason) (${minute('media_deleted_total')})`,
        'overdue buckets': 'max(heliograph_media_overdue_buckets)',
      },
    },
    { title: 'Calls tried again', unit: 'ops', lines: { '{{stage}}': `sum by (stage) (${minute('pipeline_retries_total')})` } },
  ],
  'Drains and outages': [
    {
      title: 'Drains',
      unit: 'ops',
      lines: {
        'waves started': `sum(${minute('gateway_drain_waves_started_total')})`,
        'by the gateway itself': `sum(${minute('gateway_local_drains_total')})`,
        '{{outcome}}': `sum by (outcome) (${minute('drain_attempts_total')})`,
        'held back, the stores are slow': `sum(${minute('drain_held_back_total')})`,
      },
    },
    {
      title: 'Time of a drain, 95 of 100',
      unit: 's',
      lines: { p95: `histogram_quantile(0.95, sum by (le) (${minute('drain_attempt_seconds_bucket')}))` },
    },
    {
      title: 'What was away',
      unit: 'ops',
      lines: {
        'registry: {{cause}}': `sum by (cause) (${minute('gateway_registry_lapses_total')})`,
        'link to {{gateway}}': `sum by (gateway) (${minute('link_lost_total')})`,
        Temporal: `sum(${minute('gateway_drain_wave_start_failures_total')})`,
      },
    },
    {
      title: 'Faults of Heliograph itself',
      unit: 'ops',
      lines: {
        WebSocket: `sum(${minute('gateway_internal_errors_total')})`,
        REST: `sum(${minute('rest_internal_errors_total')})`,
        drains: `sum(${minute('drain_failures_total')})`,
        'links without the secret': `sum(${minute('link_refused_total')})`,
      },
    },
  ],
  Processes: [
    { title: 'Up', unit: 'short', lines: { '{{instance}}': 'up{job="heliograph"}' } },
    { title: 'Cores in use', unit: 'short', lines: { '{{instance}}': minute('process_cpu_seconds_total') } },
    { title: 'Memory', unit: 'bytes', lines: { '{{instance}}': 'heliograph_process_resident_memory_bytes' } },
    { title: 'Event loop, 99 of 100 (0.05 s: no lag)', unit: 's', lines: { '{{instance}}': 'heliograph_nodejs_eventloop_lag_p99_seconds' } },
    { title: 'REST requests', unit: 'ops', lines: { '{{operation}} {{status}}': `sum by (operation, status) (${minute('rest_requests_total')})` } },
    {
      title: 'REST, 99 of 100',
      unit: 's',
      lines: { '{{operation}}': `histogram_quantile(0.99, sum by (le, operation) (${minute('rest_request_seconds_bucket')}))` },
    },
  ],
};

const columns = 4;
const width = 24 / columns;
const height = 7;

/** A dashboard of Grafana, as its provisioning reads it. */
export function renderDashboard(): string {
  const panels: object[] = [];
  let y = 0;
  for (const [title, ofRow] of Object.entries(rows)) {
    panels.push({ type: 'row', title, collapsed: false, panels: [], gridPos: { x: 0, y, w: 24, h: 1 } });
    y += 1;
    ofRow.forEach((panel, index) => {
      const place = { x: (index % columns) * width, y: y + Math.floor(index / columns) * height, w: width, h: height };
      panels.push(timeSeries(panel, place));
    });
    y += Math.ceil(ofRow.length / columns) * height;
  }
  return JSON.stringify({
    uid: 'heliograph',
    title: 'Heliograph',
    schemaVersion: 41,
    refresh: '5s',
    time: { from: 'now-30m', to: 'now' },
    panels: panels.map((panel, index) => ({ id: index + 1, ...panel })),
  });
}

function timeSeries({ title, unit, lines }: Panel, gridPos: object): object {
  return {
    type: 'timeseries',
    title,
    gridPos,
    datasource: { type: 'prometheus', uid: 'prometheus' },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    targets: Object.entries(lines).map(([legendFormat, expr], index) => ({ refId: String.fromCharCode(65 + index), expr, legendFormat })),
  };
}
