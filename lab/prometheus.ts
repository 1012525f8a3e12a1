import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from './ports.ts';
import { type LabProcess, startProcess } from './process.ts';

export interface PrometheusOptions {
  /** Path of the binary. */
  program: string;
  /** Of its own; gets configuration, log and data. */
  dir: string;
  /** What is scraped: `http://host:port/path`. */
  targetUrl: string;
  /** Milliseconds between scrapes; 1000 unless given. */
  scrapeIntervalMs?: number;
}

export interface Prometheus {
  url: string;
  /** Ends the process; its address and data stay for `resume`. */
  pause(): Promise<void>;
  /** Starts it again where it was. Resolves when it answers queries. */
  resume(): Promise<void>;
  stop(): Promise<void>;
}

const READY_MS = 60_000;

/** A real Prometheus with one target. Resolves when it has scraped it. */
export const startPrometheus = async (options: PrometheusOptions): Promise<Prometheus> => {
  await mkdir(options.dir, { recursive: true });
  const [port = 0] = await freePorts(1);
  const url = `http://127.0.0.1:${port}`;
  await writeFile(join(options.dir, 'prometheus.json'), JSON.stringify(scrapeConfig(options)));
  let running: LabProcess | undefined;
  const resume = async (): Promise<void> => {
    if (running !== undefined) return;
    running = startProcess({
      name: 'prometheus',
      program: options.program,
      args: flags(options.dir, port),
      logFile: join(options.dir, 'prometheus.log'),
    });
    await running.waitUntil(() => hasScraped(url), READY_MS);
  };
  const pause = async (): Promise<void> => {
    await running?.stop();
    running = undefined;
  };
  await resume();
  return { url, pause, resume, stop: pause };
};

// Ready is not enough: Prometheus takes up to five seconds more before it looks for its targets.
const hasScraped = async (url: string): Promise<boolean> => {
  const answer = await fetch(`${url}/api/v1/query?query=up`, { signal: AbortSignal.timeout(1000) });
  const { data } = (await answer.json()) as { data: { result: unknown[] } };
  return data.result.length > 0;
};

const flags = (dir: string, port: number): string[] => [
  `--config.file=${join(dir, 'prometheus.json')}`,
  `--storage.tsdb.path=${join(dir, 'data')}`,
  '--storage.tsdb.retention.time=6h',
  `--web.listen-address=127.0.0.1:${port}`,
  '--log.level=warn',
];

// JSON is YAML, so no second format is needed.
const scrapeConfig = ({ targetUrl, scrapeIntervalMs = 1000 }: PrometheusOptions) => {
  const target = new URL(targetUrl);
  const interval = `${scrapeIntervalMs}ms`;
  return {
    global: { scrape_interval: interval, scrape_timeout: interval },
    scrape_configs: [
      {
        job_name: 'mesh',
        metrics_path: target.pathname,
        // `pod` and `namespace` are those of the proxy that counted, not of this exporter.
        honor_labels: true,
        static_configs: [{ targets: [target.host] }],
      },
    ],
  };
};
