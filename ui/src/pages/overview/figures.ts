import type { QueryAnswer, Labels } from '../../api/prometheus';

/** rates is a rate over five seconds where samples come each second, else over two minutes. */
const rates = (selector: string): string => `(rate(${selector}[5s]) or rate(${selector}[2m]))`;

const devices = 'device!~"lo|veth.*|docker.*|br-.*|cali.*|flannel.*|cni.*|tap.*"';
const filesystems = 'fstype!~"tmpfs|ramfs|squashfs|iso9660|fuse.*|nsfs|proc|devtmpfs"';

/** What is shown of each host, with its history. */
export const hostFigures: Record<string, string> = {
  cpu: `1 - avg by (instance) ${rates('node_cpu_seconds_total{mode="idle"}')}`,
  memory: '1 - max by (instance) (node_memory_MemAvailable_bytes) / max by (instance) (node_memory_MemTotal_bytes)',
  disk: `max by (instance) (1 - node_filesystem_avail_bytes{${filesystems}} / (node_filesystem_size_bytes{${filesystems}} > 0))`,
  network: `sum by (instance) ${rates(`node_network_receive_bytes_total{${devices}}`)} + sum by (instance) ${rates(`node_network_transmit_bytes_total{${devices}}`)}`,
};

/** How long until the fullest file system is full, in seconds, where it fills. A trend takes half an hour to be one. */
const fullIn = `min by (instance) ((node_filesystem_avail_bytes{${filesystems}} / (-deriv(node_filesystem_avail_bytes{${filesystems}}[1h]) > 0)) and node_filesystem_avail_bytes{${filesystems}} offset 30m)`;

const containers = 'container_cpu_usage_seconds_total{id!="/"}';

/** What is shown of containers, the busiest first. */
export const containerFigures: Record<string, string> = {
  ccpu: `topk(12, sum by (name, id, namespace, pod, container) ${rates(containers)})`,
  cmemory: 'sum by (name, id, namespace, pod, container) (container_memory_working_set_bytes{id!="/"})',
};

// The names that instrumentation libraries give to the requests of a server.
const counters = 'http_requests_total|http_server_requests_total|http_request_duration_seconds_count|http_server_request_duration_seconds_count|http_server_requests_seconds_count';
const buckets = 'http_request_duration_seconds_bucket|http_server_request_duration_seconds_bucket|http_server_requests_seconds_bucket';

/** Rate, errors and duration of each service that counts its requests. */
export const serviceFigures: Record<string, string> = {
  rate: `max by (job) (sum by (job, __name__) (rate({__name__=~"${counters}"}[1m])))`,
  errors:
    `max by (job) (sum by (job, __name__) (rate({__name__=~"${counters}", status=~"5.."}[1m])) or sum by (job, __name__) (rate({__name__=~"${counters}", code=~"5.."}[1m]))` +
    ` or sum by (job, __name__) (rate({__name__=~"${counters}", http_response_status_code=~"5.."}[1m])))`,
  duration: `max by (job) (histogram_quantile(0.99, sum by (job, le, __name__) (rate({__name__=~"${buckets}"}[5m]))))`,
};

/** oneQuery asks for several figures at once; each element says which it is by the label figure. */
export function oneQuery(figures: Record<string, string>): string {
  return Object.entries(figures)
    .map(([name, expr]) => `label_replace(${expr}, "figure", "${name}", "", "")`)
    .join(' or ');
}

export const nowQuery = oneQuery({ ...hostFigures, fullIn, ...containerFigures });

/** Values by figure and then by what key makes of the labels. */
export function byFigure(answer: QueryAnswer | undefined, key: (labels: Labels) => string): Map<string, Map<string, number>> {
  const out = new Map<string, Map<string, number>>();
  if (answer?.data.resultType !== 'vector') return out;
  for (const s of answer.data.result) {
    const figure = s.metric.figure ?? '';
    const value = Number(s.value?.[1]);
    if (!Number.isFinite(value)) continue;
    let of = out.get(figure);
    if (!of) out.set(figure, (of = new Map()));
    of.set(key(s.metric), value);
  }
  return out;
}

/** containerName is the shortest name that tells a container or control group from others. */
export function containerName(labels: Labels): string {
  if (labels.pod) return `${labels.namespace ?? ''}/${labels.pod}${labels.container ? `/${labels.container}` : ''}`;
  if (labels.name) return labels.name;
  const id = labels.id ?? '';
  const parts = id.split('/').filter(Boolean);
  return parts.at(-1)?.replace(/\.(service|scope|slice)$/, '') ?? id;
}
