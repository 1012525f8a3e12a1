import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openBuildCache } from './build-cache.ts';
import { runTool } from './tools.ts';

// CustomResourceDefinitions of others, out of their Go modules; the tree has no copy.

interface Source {
  /** Go module with its version. */
  module: string;
  files: string[];
}

const ISTIO: Source = {
  module: 'istio.io/api@v1.29.6',
  files: ['kubernetes/customresourcedefinitions.gen.yaml'],
};

// The newest whose module the lab's Go reads.
const GATEWAY_API: Source = {
  module: 'sigs.k8s.io/gateway-api@v1.6.3',
  files: ['httproutes', 'grpcroutes'].map(
    (plural) => `config/crd/standard/gateway.networking.k8s.io_${plural}.yaml`,
  ),
};

// The version of lab/go/contour. Its definitions of the Gateway API are the experimental channel's: it watches kinds
// that the standard one lacks.
const CONTOUR: Source = {
  module: 'github.com/projectcontour/contour@v1.33.8',
  files: ['examples/gateway/00-crds.yaml', 'examples/contour/01-crds.yaml'],
};

/** Path of a YAML file with Istio's definitions. Throws what to install, or what the download said. */
export const ensureIstioCrds = (): Promise<string> => ensureCrds('istio-crds.yaml', ISTIO);

/** Path of a YAML file with HTTPRoute and GRPCRoute of the Gateway API's standard channel. Throws as above. */
export const ensureGatewayApiCrds = (): Promise<string> => ensureCrds('gateway-api-crds.yaml', GATEWAY_API);

/** Path of a YAML file with Contour's own definitions and those of the Gateway API as it needs them. Throws as above. */
export const ensureContourCrds = (): Promise<string> => ensureCrds('contour-crds.yaml', CONTOUR);

const ensureCrds = async (name: string, source: Source): Promise<string> => {
  const { module, files } = source;
  const key = createHash('sha256').update(JSON.stringify(source)).digest('hex').slice(0, 16);
  const cache = openBuildCache(key);
  const found = await cache.find(name);
  if (found !== undefined) return found;
  return cache.add(name, async (scratch) => {
    const answer = await runTool('go', ['mod', 'download', '-json', module], scratch);
    const { Dir } = JSON.parse(answer) as { Dir: string };
    const documents = await Promise.all(files.map((file) => readFile(join(Dir, file), 'utf8')));
    const path = join(scratch, name);
    await writeFile(path, documents.join('\n---\n'));
    return path;
  });
};
