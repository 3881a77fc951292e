import { exporterGuides } from './exporters';
import { bearer, type Guide, lines, type Place, same, scrapeSteps, type Step, tokenFile } from './guide';

const remoteWrite = (p: Place): string => lines(
  'remote_write:',
  `  - url: ${p.base}/api/v1/write`,
  p.token && '    authorization:',
  p.token && `      credentials_file: ${tokenFile}`,
);

/** otelEnv is what every SDK of OpenTelemetry reads of its environment. Metrics alone are taken, so the others are off. */
const otelEnv = (p: Place): string => lines(
  'export OTEL_SERVICE_NAME=my-app',
  'export OTEL_METRICS_EXPORTER=otlp',
  'export OTEL_TRACES_EXPORTER=none',
  'export OTEL_LOGS_EXPORTER=none',
  'export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
  `export OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=${p.base}/v1/metrics`,
  'export OTEL_METRIC_EXPORT_INTERVAL=5000',
  p.token && `export OTEL_EXPORTER_OTLP_METRICS_HEADERS="Authorization=Bearer%20$(cat ${tokenFile})"`,
);

const otelText = { en: 'Set where it sends.', zh: '设置发送目标。' };
const otelSignal = { kind: 'requests', handlers: ['/v1/metrics', '/api/v1/otlp/v1/metrics'], jobs: 'target_info' } as const;
const sdk = (id: string, name: string, start: Step[]): Guide => ({
  id, name: same(`OpenTelemetry: ${name}`), group: 'send',
  summary: { en: `Metrics of an application in ${name}, by its OpenTelemetry SDK`, zh: `通过 OpenTelemetry SDK 接入 ${name} 应用的指标` },
  steps: (p) => [{ text: otelText, file: 'shell', code: otelEnv(p) }, ...start],
  signal: { ...otelSignal, handlers: [...otelSignal.handlers] },
});

const sending: Guide[] = [
  {
    id: 'remote-write', name: { en: 'Prometheus remote write', zh: 'Prometheus 远程写入' }, group: 'send',
    summary: { en: 'A Prometheus, Grafana Alloy or VictoriaMetrics agent sends what it scrapes', zh: '由 Prometheus、Grafana Alloy 或 VictoriaMetrics agent 发送其抓取的数据' },
    steps: (p) => [
      { text: { en: 'Prometheus: add this, then reload it. Remote write 1.0 and 2.0 are both taken.', zh: 'Prometheus：添加以下内容并重新加载。支持远程写入 1.0 和 2.0。' }, file: 'prometheus.yml', code: remoteWrite(p) },
      {
        text: { en: 'Grafana Alloy: the same.', zh: 'Grafana Alloy：等效配置。' }, file: 'config.alloy',
        code: lines('prometheus.remote_write "touchline" {', '  endpoint {', `    url = "${p.base}/api/v1/write"`, p.token && `    bearer_token_file = "${tokenFile}"`, '  }', '}'),
      },
      { text: { en: 'vmagent: the same.', zh: 'vmagent：等效配置。' }, file: 'shell', code: `vmagent -promscrape.config=prometheus.yml -remoteWrite.url=${p.base}/api/v1/write${p.token ? ` -remoteWrite.bearerTokenFile=${tokenFile}` : ''}` },
    ],
    signal: { kind: 'requests', handlers: ['/api/v1/write'], jobs: 'up' },
  },
  {
    id: 'otel-collector', name: { en: 'OpenTelemetry Collector', zh: 'OpenTelemetry Collector' }, group: 'send',
    summary: { en: 'A collector forwards the metrics that it receives over OTLP', zh: '由采集器转发其通过 OTLP 接收的指标' },
    steps: (p) => [
      {
        text: { en: 'Add the exporter, and name it in the pipeline of metrics.', zh: '添加 exporter，并在 metrics 流水线中引用。' }, file: 'collector.yaml',
        code: lines(
          'receivers:', '  otlp:', '    protocols:', '      grpc: {}', '      http: {}',
          'exporters:', '  otlphttp/touchline:', `    metrics_endpoint: ${p.base}/v1/metrics`,
          p.token && '    headers:', p.token && '      Authorization: Bearer ${env:TOUCHLINE_TOKEN}',
          'service:', '  pipelines:', '    metrics:', '      receivers: [otlp]', '      exporters: [otlphttp/touchline]',
        ),
      },
      ...(p.token ? [{ text: { en: 'Start it with the token in its environment.', zh: '启动时通过环境变量传入令牌。' }, file: 'shell', code: `TOUCHLINE_TOKEN="$(cat ${tokenFile})" otelcol --config=collector.yaml` }] : []),
      ...(p.grpc ? [{
        text: { en: 'Or over gRPC.', zh: '或使用 gRPC。' }, file: 'collector.yaml',
        code: lines('exporters:', '  otlp/touchline:', `    endpoint: ${p.grpc}`, !p.tls && '    tls: {insecure: true}', p.token && '    headers:', p.token && '      authorization: Bearer ${env:TOUCHLINE_TOKEN}'),
      }] : []),
    ],
    signal: { ...otelSignal, handlers: [...otelSignal.handlers] },
  },
  sdk('otel-go', 'Go', [
    { text: { en: 'Fetch the exporter that reads these variables.', zh: '获取读取这些变量的导出器。' }, file: 'shell', code: 'go get go.opentelemetry.io/contrib/exporters/autoexport go.opentelemetry.io/otel/sdk/metric' },
    {
      text: { en: 'Register it where the program starts.', zh: '在程序启动处注册。' }, file: 'main.go',
      code: 'reader, err := autoexport.NewMetricReader(ctx)\nif err != nil {\n\treturn err\n}\nprovider := metric.NewMeterProvider(metric.WithReader(reader))\ndefer provider.Shutdown(context.WithoutCancel(ctx))\notel.SetMeterProvider(provider)',
    },
  ]),
  sdk('otel-python', 'Python', [
    { text: { en: 'Install it, and start the application under it. No line of code changes.', zh: '安装后用它启动应用，无需修改代码。' }, file: 'shell', code: 'pip install opentelemetry-distro opentelemetry-exporter-otlp-proto-http\nopentelemetry-bootstrap -a install\nopentelemetry-instrument python app.py' },
  ]),
  sdk('otel-java', 'Java', [
    { text: { en: 'Start the application with the agent. No line of code changes.', zh: '使用 agent 启动应用，无需修改代码。' }, file: 'shell', code: 'java -javaagent:opentelemetry-javaagent.jar -jar app.jar' },
  ]),
  sdk('otel-node', 'Node.js', [
    { text: { en: 'Install it, and load it before the application.', zh: '安装后在应用之前加载。' }, file: 'shell', code: 'npm install @opentelemetry/api @opentelemetry/auto-instrumentations-node\nnode --require @opentelemetry/auto-instrumentations-node/register app.js' },
  ]),
  {
    id: 'alerts', name: { en: 'Alerts of other systems', zh: '其他系统的告警' }, group: 'send',
    summary: { en: 'A Prometheus, a script or a job sends alerts as to an Alertmanager', zh: 'Prometheus、脚本或任务以 Alertmanager 协议发送告警' },
    steps: (p) => [
      { text: { en: 'Send one now. It ends by itself after five minutes, unless it is sent again.', zh: '立即发送一条。若不再发送，五分钟后自动恢复。' }, file: 'shell', code: `curl -sS${bearer(p)} -H 'Content-Type: application/json' ${p.base}/api/v2/alerts \\\n  -d '[{"labels": {"alertname": "BackupFailed", "severity": "warning", "service": "billing"}, "annotations": {"summary": "The nightly backup has failed."}}]'` },
      {
        text: { en: 'Prometheus: have it send its alerts here.', zh: 'Prometheus：将其告警发送到此处。' }, file: 'prometheus.yml',
        code: lines('alerting:', '  alertmanagers:', `    - scheme: ${p.tls ? 'https' : 'http'}`, p.prefix !== '' && `      path_prefix: ${p.prefix}`, p.token && '      authorization:', p.token && `        credentials_file: ${tokenFile}`, '      static_configs:', `        - targets: ['${p.host}']`),
      },
    ],
    signal: { kind: 'requests', handlers: ['/api/v2/alerts'] },
  },
  {
    id: 'deployments', name: { en: 'Deployments', zh: '部署标记' }, group: 'send',
    summary: { en: 'A pipeline notes what it has deployed; charts and incidents show it', zh: '流水线记录部署内容，图表与事件中会显示' },
    steps: (p) => [
      { text: { en: 'Add this to the end of the pipeline. Its token needs the scope respond.', zh: '添加到流水线末尾。令牌需要 respond 权限。' }, file: 'shell', code: `curl -sS -H "Authorization: Bearer $(cat ${tokenFile})" -H 'Content-Type: application/json' ${p.base}/touchline/v1/deployments \\\n  -d '{"title": "api v1.4.2", "labels": {"service": "api", "version": "v1.4.2"}}'` },
    ],
    signal: { kind: 'requests', handlers: ['/touchline/v1/deployments/**'] },
  },
];

const using: Guide[] = [
  {
    id: 'grafana', name: { en: 'Grafana as a reader', zh: '将 Grafana 作为读取端' }, group: 'use',
    summary: { en: 'Grafana draws from this server, as from a Prometheus and an Alertmanager', zh: 'Grafana 以 Prometheus 与 Alertmanager 协议读取本服务器' },
    steps: (p) => [
      {
        text: { en: 'Provision the data sources. The token needs the scope read.', zh: '预置数据源。令牌需要 read 权限。' }, file: 'provisioning/datasources/touchline.yaml',
        code: lines(
          'apiVersion: 1', 'datasources:', '  - name: Touchline', '    type: prometheus', '    access: proxy', `    url: ${p.base}`,
          '    jsonData:', '      httpMethod: POST', '      prometheusType: Prometheus', p.token && '      httpHeaderName1: Authorization',
          p.token && '    secureJsonData:', p.token && '      httpHeaderValue1: Bearer $TOUCHLINE_TOKEN',
          '  - name: Touchline alerts', '    type: alertmanager', '    access: proxy', `    url: ${p.base}`,
          '    jsonData:', '      implementation: prometheus', p.token && '      httpHeaderName1: Authorization',
          p.token && '    secureJsonData:', p.token && '      httpHeaderValue1: Bearer $TOUCHLINE_TOKEN',
        ),
      },
      ...(p.token ? [{ text: { en: 'Start Grafana with the token in its environment.', zh: '启动 Grafana 时通过环境变量传入令牌。' }, file: 'shell', code: `TOUCHLINE_TOKEN="$(cat ${tokenFile})" grafana server` }] : []),
    ],
  },
  {
    id: 'federate', name: { en: 'A Prometheus that reads from here', zh: '从此处读取的 Prometheus' }, group: 'use',
    summary: { en: 'Another Prometheus federates series of this server', zh: '另一台 Prometheus 联邦读取本服务器的序列' },
    steps: (p) => [
      {
        text: { en: 'Add the job there. The token needs the scope read.', zh: '在对端添加作业。令牌需要 read 权限。' }, file: 'prometheus.yml',
        code: lines('scrape_configs:', '  - job_name: touchline-federate', '    honor_labels: true', `    scheme: ${p.tls ? 'https' : 'http'}`, `    metrics_path: ${p.prefix}/federate`, '    params:', `      'match[]': ['{job="node"}']`,
          p.token && '    authorization:', p.token && `      credentials_file: ${tokenFile}`, '    static_configs:', `      - targets: ['${p.host}']`),
      },
    ],
    signal: { kind: 'requests', handlers: ['/federate'], method: 'get' },
  },
];

const scraping: Guide[] = [
  {
    id: 'app', name: { en: 'Your own application', zh: '自有应用' }, group: 'scrape',
    summary: { en: 'This server scrapes a /metrics of yours', zh: '由本服务器抓取应用的 /metrics' },
    steps: (p) => scrapeSteps(p, lines('- job_name: my-app', '  scrape_interval: 5s', '  static_configs:', `    - targets: ['app.example.com:8080']`)),
    signal: { kind: 'scrape' },
  },
  {
    id: 'file-sd', name: { en: 'Targets from files', zh: '文件服务发现' }, group: 'scrape',
    summary: { en: 'A list of targets that is followed without a reload', zh: '目标列表变更后自动生效，无需重新加载' },
    steps: (p) => [
      ...scrapeSteps(p, lines('- job_name: apps', '  scrape_interval: 5s', '  file_sd_configs:', `    - files: ['targets/*.yml']`)),
      { text: { en: 'List the targets. A change is seen at once.', zh: '列出目标。修改后立即生效。' }, file: 'targets/shop.yml', code: lines(`- targets: ['shop-1:8080', 'shop-2:8080']`, '  labels: {service: shop}') },
    ],
    signal: { kind: 'scrape', job: 'apps' },
  },
  {
    id: 'prometheus', name: { en: 'A Prometheus that is there already', zh: '已有的 Prometheus' }, group: 'scrape',
    summary: { en: 'Take series over from it by federation, or have it send', zh: '通过联邦读取其序列，或由其发送' },
    steps: (p) => [
      { text: { en: 'Have it send: that is quicker than federation, and complete.', zh: '推荐由其发送：比联邦更快且数据完整。' }, file: 'its prometheus.yml', code: remoteWrite(p) },
      ...scrapeSteps(p, lines('- job_name: federate', '  scrape_interval: 15s', '  honor_labels: true', '  metrics_path: /federate', '  params:', `    'match[]': ['{__name__=~"job:.*"}', 'up']`, '  static_configs:', `    - targets: ['prometheus.example.com:9090']`)),
    ],
    signal: { kind: 'scrape', job: 'federate' },
  },
];

/** The guides, in the order in which they are listed. */
export const guides: Guide[] = [...sending, ...scraping, ...exporterGuides, ...using];

export const guide = (id: string): Guide | undefined => guides.find((g) => g.id === id);
