{{- define "rsparkhub.labels" -}}
app.kubernetes.io/name: rsparkhub
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "rsparkhub.selector" -}}
app.kubernetes.io/name: rsparkhub
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "rsparkhub.image" -}}
{{ .root.Values.image.registry }}/{{ .name }}:{{ .root.Values.image.tag }}
{{- end }}

{{- define "rsparkhub.sessionImage" -}}
{{ default (include "rsparkhub.image" (dict "root" . "name" "session")) .Values.sessions.image }}
{{- end }}

{{- define "rsparkhub.storeSecret" -}}
{{ default (printf "%s-store" .Release.Name) .Values.store.existingSecret }}
{{- end }}

{{- define "rsparkhub.ownStore" -}}
{{- if not (or .Values.store.url .Values.store.existingSecret) }}yes{{ end -}}
{{- end }}

{{- define "rsparkhub.host" -}}
{{ (urlParse .Values.publicUrl).hostname }}
{{- end }}

{{- /* By which names the hub is reached beside that of publicUrl: those of the Service, and those that are given. */}}
{{- define "rsparkhub.hostNames" -}}
{{- $service := printf "%s.%s" .Release.Name .Release.Namespace }}
{{- concat (list .Release.Name $service (printf "%s.svc" $service) (printf "%s.svc.cluster.local" $service)) .Values.hostNames | join "," }}
{{- end }}

{{- /* What every process of RSparkHub is told, by the names of its settings. */}}
{{- define "rsparkhub.environ" -}}
- {name: RSPARKHUB_DATA, value: /var/lib/rsparkhub/data}
- {name: RSPARKHUB_HOST, value: 0.0.0.0}
- {name: RSPARKHUB_PORT, value: "8000"}
- {name: RSPARKHUB_BACKEND, value: kubernetes}
- {name: RSPARKHUB_PUBLIC_URL, value: {{ .Values.publicUrl | quote }}}
- {name: RSPARKHUB_HOST_NAMES, value: {{ include "rsparkhub.hostNames" . | quote }}}
- {name: RSPARKHUB_SESSION_ORIGIN, value: {{ .Values.sessionOrigin }}}
- {name: RSPARKHUB_KUBERNETES__NAMESPACE, value: {{ .Values.sessions.namespace }}}
- {name: RSPARKHUB_KUBERNETES__NAMESPACES, value: {{ .Values.sessions.namespaces }}}
- {name: RSPARKHUB_KUBERNETES__HUB_NAMESPACE, value: {{ .Release.Namespace }}}
- {name: RSPARKHUB_KUBERNETES__SERVICE_IMAGE, value: {{ include "rsparkhub.sessionImage" . }}}
- {name: RSPARKHUB_KUBERNETES__SESSION_IMAGE, value: {{ include "rsparkhub.sessionImage" . }}}
- {name: RSPARKHUB_KUBERNETES__SPARK_IMAGE, value: {{ include "rsparkhub.image" (dict "root" . "name" "spark") }}}
- {name: RSPARKHUB_KUBERNETES__IMAGE_PULL_POLICY, value: {{ .Values.image.pullPolicy }}}
- {name: RSPARKHUB_KUBERNETES__IMAGE_PULL_SECRETS, value: {{ .Values.image.pullSecrets | toJson | quote }}}
- {name: RSPARKHUB_KUBERNETES__ACCESS_MODE, value: {{ .Values.sessions.accessMode }}}
- {name: RSPARKHUB_KUBERNETES__CPU_REQUESTS, value: {{ .Values.sessions.cpuRequests | quote }}}
- {name: RSPARKHUB_KUBERNETES__MEMORY_REQUESTS, value: {{ .Values.sessions.memoryRequests | quote }}}
- {name: RSPARKHUB_KUBERNETES__API_SERVER, value: {{ include "rsparkhub.apiServer" . | quote }}}
- {name: RSPARKHUB_KUBERNETES__PLACEMENT, value: {{ .Values.sessions.placement | toJson | quote }}}
{{- with .Values.sessions.storageClass }}
- {name: RSPARKHUB_KUBERNETES__STORAGE_CLASS, value: {{ . }}}
{{- end }}
{{- range $name, $value := .Values.settings }}
- {name: RSPARKHUB_{{ upper $name }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- if .Values.environments }}
- {name: RSPARKHUB_ENVIRONMENTS, value: /etc/rsparkhub/environments}
{{- end }}
- name: RSPARKHUB_STORE_URL
  valueFrom: {secretKeyRef: {name: {{ include "rsparkhub.storeSecret" . }}, key: url}}
{{- end }}

{{- /* The API server's addresses: as given, else those that the cluster itself says. */}}
{{- define "rsparkhub.apiServer" -}}
{{- $found := .Values.sessions.apiServer }}
{{- if not $found }}
{{- range (lookup "discovery.k8s.io/v1" "EndpointSlice" "default" "").items }}
{{- if eq (index (.metadata.labels | default dict) "kubernetes.io/service-name" | default "") "kubernetes" }}
{{- range .endpoints }}{{ range .addresses }}{{ $found = append $found (printf "%s/32" .) }}{{ end }}{{ end }}
{{- end }}
{{- end }}
{{- end }}
{{- $found | toJson }}
{{- end }}

{{- define "rsparkhub.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "rsparkhub.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- define "rsparkhub.mounts" -}}
- {name: data, mountPath: /var/lib/rsparkhub}
- {name: memory, mountPath: /dev/shm}
- {name: tmp, mountPath: /tmp}
{{- if .Values.environments }}
- {name: environments, mountPath: /etc/rsparkhub/environments, readOnly: true}
{{- end }}
{{- end }}

{{- define "rsparkhub.volumes" -}}
- {name: data, emptyDir: {}}
- {name: memory, emptyDir: {medium: Memory, sizeLimit: 64Mi}}
- {name: tmp, emptyDir: {}}
{{- if .Values.environments }}
- {name: environments, configMap: {name: {{ .Release.Name }}-environments}}
{{- end }}
{{- end }}

{{- define "rsparkhub.placement" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
- {name: {{ . }}}
{{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}
