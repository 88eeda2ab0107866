/** What the runner's drain and the router rely on, so that no surrounding shell may say otherwise. */
const required: Readonly<Record<string, string>> = {
  // Either one lets SIGTERM cut requests that still run; SGLang reads the first and declares the second (0.5.17).
  SGL_FORCE_SHUTDOWN: 'false',
  SGLANG_FORCE_SHUTDOWN: 'false',
};

const defaults: Readonly<Record<string, string>> = {
  // Python holds back its output unless told, and the log is how a start is followed.
  PYTHONUNBUFFERED: '1',
  // `x-override-*` of the router instead of a changed body (0.5.15). Routers take no such header from clients.
  SGLANG_ENABLE_REQUEST_HEADER_OVERRIDES: '1',
};

/** Keys, secrets and database addresses of the fleet, which are not the engine's business. */
const withheld = /^FLEET_.*(SECRET|KEYS?|PASSWORD|TOKEN|DATABASE_URL)$/;

/** The environment of an engine, from the runner's own. */
export function engineEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passed = Object.entries(own).filter(([name]) => !withheld.test(name));
  return { ...defaults, ...Object.fromEntries(passed), ...required };
}

/** Of a host's environment, what means the same inside a container. Paths of the host do not. */
const portable = /^(SGLANG_|SGL_|NCCL_|GLOO_|UCX_|FI_|HF_(TOKEN|ENDPOINT|HUB_OFFLINE)$|PYTHONUNBUFFERED$)/;
const portableNames: ReadonlySet<string> = new Set([
  'CUDA_VISIBLE_DEVICES',
  'HUGGING_FACE_HUB_TOKEN',
  'TRANSFORMERS_OFFLINE',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'AWS_REGION',
]);

/** Names of variables that a container takes over from the runner's environment. Only names, as values may be secret. */
export function containerVariables(environment: NodeJS.ProcessEnv): string[] {
  return Object.keys(environment)
    .filter((name) => portable.test(name) || portableNames.has(name))
    .sort();
}
