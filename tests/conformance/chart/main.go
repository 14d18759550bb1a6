// Command chart renders the relay's Helm chart as Helm does and holds what comes out against
// Kubernetes' own types: `chart CHART RBAC CASES`. CASES holds values, one case a file. A file that
// begins with `# refused: TEXT` has to be refused with that text, any other has to be rendered into
// objects that are whole. RBAC is the file of rules for an agent that is installed without Helm: the
// chart may ask for nothing else. It exits with 1 when a case fails.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

const namespace = "weft"

// whereBound marks the rights of a role that is bound in single namespaces.
const whereBound = "where it is bound"

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: chart CHART RBAC CASES")
		os.Exit(2)
	}
	failed, err := run(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(2)
	}
	if failed {
		os.Exit(1)
	}
}

func run(dir, rbac, cases string) (bool, error) {
	loaded, err := loader.LoadDir(dir)
	if err != nil {
		return false, err
	}
	text, err := os.ReadFile(rbac)
	if err != nil {
		return false, err
	}
	byHand, err := decode(string(text))
	if err != nil {
		return false, fmt.Errorf("%s: %w", rbac, err)
	}
	files, err := filepath.Glob(filepath.Join(cases, "*.yaml"))
	if err != nil || len(files) == 0 {
		return false, fmt.Errorf("%s has no cases", cases)
	}
	failed := false
	for _, file := range files {
		problems, err := judge(loaded, file, rulesOf(byHand))
		if err != nil {
			return false, fmt.Errorf("%s: %w", file, err)
		}
		for _, problem := range problems {
			failed = true
			fmt.Printf("%s: %s\n", file, problem)
		}
	}
	fmt.Printf("%d cases\n", len(files))
	return failed, nil
}

func judge(loaded *chart.Chart, file string, byHand []string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	values, err := loader.LoadValues(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	refused := ""
	if first, _, _ := strings.Cut(string(text), "\n"); strings.HasPrefix(first, "# refused: ") {
		refused = strings.TrimPrefix(first, "# refused: ")
	}
	rendered, err := render(loaded, values)
	switch {
	case refused != "" && err == nil:
		return []string{"it is not refused"}, nil
	case refused != "" && !strings.Contains(err.Error(), refused):
		return []string{"it is refused otherwise: " + err.Error()}, nil
	case refused != "":
		return nil, nil
	case err != nil:
		return []string{err.Error()}, nil
	}
	objects, err := decode(rendered)
	if err != nil {
		return []string{err.Error()}, nil
	}
	return check(objects, byHand), nil
}

func render(loaded *chart.Chart, values map[string]any) (string, error) {
	release := common.ReleaseOptions{Name: "relay", Namespace: namespace, Revision: 1, IsInstall: true}
	all, err := util.ToRenderValues(loaded, values, release, common.DefaultCapabilities)
	if err != nil {
		return "", err
	}
	files, err := engine.Engine{Strict: true}.Render(loaded, all)
	if err != nil {
		return "", err
	}
	var names []string
	for name := range files {
		if strings.HasSuffix(name, ".yaml") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	var text strings.Builder
	for _, name := range names {
		text.WriteString("---\n" + files[name] + "\n")
	}
	return text.String(), nil
}

// decode reads documents into Kubernetes' types; unknown kinds, unknown fields and double keys are
// errors.
func decode(text string) ([]runtime.Object, error) {
	codecs := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict)
	documents := utilyaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	var objects []runtime.Object
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		if isEmpty(document) {
			continue
		}
		object, _, err := codecs.UniversalDeserializer().Decode(document, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, document)
		}
		objects = append(objects, object)
	}
}

func isEmpty(document []byte) bool {
	for _, line := range strings.Split(string(document), "\n") {
		line = strings.TrimSpace(line)
		if line != "" && line != "---" && !strings.HasPrefix(line, "#") {
			return false
		}
	}
	return true
}

// check says what is wrong with the objects of one release.
func check(objects []runtime.Object, byHand []string) []string {
	var problems []string
	complain := func(format string, args ...any) {
		problems = append(problems, fmt.Sprintf(format, args...))
	}
	claims := map[string]bool{}
	accounts := map[string]bool{}
	var pods []corev1.PodTemplateSpec
	names := map[string]bool{}
	for _, object := range objects {
		accessor, err := meta.Accessor(object)
		if err != nil {
			complain("%v", err)
			continue
		}
		name := fmt.Sprintf("%T %s/%s", object, accessor.GetNamespace(), accessor.GetName())
		if names[name] {
			complain("%s is there twice", name)
		}
		names[name] = true
		switch o := object.(type) {
		case *corev1.Secret:
			complain("%s: a chart holds no secrets", name)
		case *corev1.PersistentVolumeClaim:
			claims[o.Name] = true
		case *corev1.ServiceAccount:
			accounts[o.Name] = true
		case *appsv1.Deployment:
			pods = append(pods, o.Spec.Template)
			if !matches(*o.Spec.Selector, o.Spec.Template.Labels) {
				complain("%s does not select its pods", name)
			}
			if o.Spec.Strategy.Type != appsv1.RecreateDeploymentStrategyType {
				complain("%s: two pods at a time would write one state", name)
			}
		}
	}
	for _, pod := range pods {
		problems = append(problems, checkPod(pod, claims, accounts)...)
	}
	problems = append(problems, checkSelectors(objects, pods)...)
	rules := rulesOf(objects)
	for _, rule := range rules {
		if !contains(byHand, rule) {
			complain("more rights than an agent needs: %s", rule)
		}
	}
	for _, rule := range byHand {
		if len(rules) > 0 && !strings.HasPrefix(rule, whereBound) && !contains(rules, rule) {
			complain("fewer rights than an agent needs: %s", rule)
		}
	}
	return problems
}

func checkPod(pod corev1.PodTemplateSpec, claims, accounts map[string]bool) []string {
	var problems []string
	complain := func(format string, args ...any) {
		problems = append(problems, fmt.Sprintf(format, args...))
	}
	if !accounts[pod.Spec.ServiceAccountName] {
		complain("there is no service account %q", pod.Spec.ServiceAccountName)
	}
	security := pod.Spec.SecurityContext
	if security == nil || security.RunAsNonRoot == nil || !*security.RunAsNonRoot || security.SeccompProfile == nil {
		complain("%s may run as root or without seccomp", pod.Spec.ServiceAccountName)
	}
	volumes := map[string]bool{}
	for _, volume := range pod.Spec.Volumes {
		volumes[volume.Name] = true
		claim := volume.PersistentVolumeClaim
		if claim != nil && !claim.ReadOnly && !claims[claim.ClaimName] {
			complain("there is no claim %q", claim.ClaimName)
		}
	}
	for _, container := range pod.Spec.Containers {
		if container.ReadinessProbe == nil || container.StartupProbe == nil {
			complain("%s is not probed", container.Name)
		}
		mine := container.SecurityContext
		if mine == nil || mine.ReadOnlyRootFilesystem == nil || !*mine.ReadOnlyRootFilesystem ||
			mine.AllowPrivilegeEscalation == nil || *mine.AllowPrivilegeEscalation || mine.Capabilities == nil {
			complain("%s has rights it does not need", container.Name)
		}
		if container.Resources.Limits.Memory().IsZero() {
			complain("%s has no limit of memory", container.Name)
		}
		for _, mount := range container.VolumeMounts {
			if !volumes[mount.Name] {
				complain("%s mounts %q, which is no volume", container.Name, mount.Name)
			}
		}
		for _, variable := range container.Env {
			if variable.Value != "" {
				complain("%s is told %s in the clear", container.Name, variable.Name)
			}
		}
	}
	return problems
}

// checkSelectors wants every selector to select a pod, and every pod to have a budget and a network policy.
func checkSelectors(objects []runtime.Object, pods []corev1.PodTemplateSpec) []string {
	var problems []string
	budgets := map[int]bool{}
	fenced := map[int]bool{}
	for _, object := range objects {
		var selector metav1.LabelSelector
		var marks map[int]bool
		switch o := object.(type) {
		case *policyv1.PodDisruptionBudget:
			selector, marks = *o.Spec.Selector, budgets
		case *networkingv1.NetworkPolicy:
			selector, marks = o.Spec.PodSelector, fenced
		case *corev1.Service:
			selector, marks = metav1.LabelSelector{MatchLabels: o.Spec.Selector}, map[int]bool{}
		default:
			continue
		}
		before := len(marks)
		for i, pod := range pods {
			if matches(selector, pod.Labels) {
				marks[i] = true
			}
		}
		if len(marks) != before+1 {
			problems = append(problems, fmt.Sprintf("%T selects %d pods", object, len(marks)-before))
		}
	}
	if len(budgets) != 0 && len(budgets) != len(pods) || len(fenced) != 0 && len(fenced) != len(pods) {
		problems = append(problems, "a pod has no budget or no network policy")
	}
	return problems
}

func matches(selector metav1.LabelSelector, of map[string]string) bool {
	parsed, err := metav1.LabelSelectorAsSelector(&selector)
	return err == nil && !parsed.Empty() && parsed.Matches(labels.Set(of))
}

// rulesOf lists the rights that the roles give, one text each, and whether they hold in one namespace only.
func rulesOf(objects []runtime.Object) []string {
	var rules []string
	add := func(where string, of []rbacv1.PolicyRule) {
		for _, rule := range of {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					for _, verb := range rule.Verbs {
						rules = append(rules, fmt.Sprintf("%s: %s %s.%s", where, verb, resource, group))
					}
				}
			}
			if len(rule.NonResourceURLs) > 0 {
				rules = append(rules, fmt.Sprintf("%s: %v", where, rule.NonResourceURLs))
			}
		}
	}
	for _, object := range objects {
		switch o := object.(type) {
		case *rbacv1.ClusterRole:
			where := "everywhere"
			if strings.HasSuffix(o.Name, "-limits") {
				where = whereBound
			}
			add(where, o.Rules)
		case *rbacv1.Role:
			add("in "+o.Namespace, o.Rules)
		case *rbacv1.ClusterRoleBinding:
			if strings.HasSuffix(o.RoleRef.Name, "-limits") {
				rules = append(rules, "everywhere: what is for one namespace")
			}
		}
	}
	sort.Strings(rules)
	return rules
}

func contains(all []string, one string) bool {
	for _, each := range all {
		if each == one {
			return true
		}
	}
	return false
}
