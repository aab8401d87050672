// The fields of Google's managed Prometheus that the manifests may use; no package has its types.
interface Metadata {
  name: string;
  namespace?: string;
  labels?: { [key: string]: string };
  annotations?: { [key: string]: string };
}

export interface IPodMonitoring {
  apiVersion: "monitoring.googleapis.com/v1";
  kind: "PodMonitoring";
  metadata: Metadata;
  spec: {
    selector: {
      matchLabels?: { [key: string]: string };
      matchExpressions?: Array<{ key: string; operator: string; values?: string[] }>;
    };
    endpoints: Array<{
      port: string | number;
      scheme?: "http" | "https";
      path?: string;
      params?: { [key: string]: string[] };
      interval: string;
      timeout?: string;
    }>;
    targetLabels?: {
      metadata?: Array<"pod" | "container" | "node" | "top_level_controller_name" | "top_level_controller_type">;
      fromPod?: Array<{ from: string; to?: string }>;
    };
    limits?: { samples?: number; labels?: number; labelNameLength?: number; labelValueLength?: number };
  };
}

interface Recording {
  record: string;
  expr: string;
  labels?: { [key: string]: string };
}

interface Alerting {
  alert: string;
  expr: string;
  for?: string;
  labels?: { [key: string]: string };
  annotations?: { [key: string]: string };
}

export interface IRules {
  apiVersion: "monitoring.googleapis.com/v1";
  kind: "Rules";
  metadata: Metadata;
  spec: { groups: Array<{ name: string; interval?: string; rules: Array<Recording | Alerting> }> };
}
