package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// network is the wiring of the lab. Every pod has a namespace with one cable to the root namespace,
// where the istiods run and which routes, as a node does. Clusters of different networks reach one
// another only at addresses of services of type LoadBalancer. What is behind none of the addresses
// is the outside: one more namespace, which may send from any address.
type network struct {
	root    *netspace
	outside *netspace
	links   *netlink.Handle // of root
	hosts   map[string]netip.Addr
}

// next is the address by which the root namespace is known to everyone on a cable to it.
var (
	next         = netip.MustParseAddr("169.254.1.1")
	outsideHop   = netip.MustParseAddr("169.254.1.2")
	outsideCable = "out"
)

func newNetwork() (*network, error) {
	root, err := currentNetspace("root")
	if err != nil {
		return nil, err
	}
	links, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, err
	}
	n := &network{root: root, links: links, hosts: map[string]netip.Addr{}}
	for name, value := range map[string]string{
		"ip_forward": "1", "conf/all/rp_filter": "0", "conf/default/rp_filter": "0",
		"ip_unprivileged_port_start": "0",
	} {
		if err := sysctl(name, value); err != nil {
			return nil, err
		}
	}
	if err := up(links, "lo"); err != nil {
		return nil, err
	}
	n.outside, err = n.addNamespace("outside", outsideCable, outsideHop)
	if err != nil {
		return nil, err
	}
	return n, n.defaultRoute(links, outsideCable, outsideHop)
}

func sysctl(name, value string) error {
	return os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0o644)
}

func up(handle *netlink.Handle, name string) error {
	link, err := handle.LinkByName(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return handle.LinkSetUp(link)
}

func single(address netip.Addr) *net.IPNet {
	return &net.IPNet{IP: address.AsSlice(), Mask: net.CIDRMask(32, 32)}
}

// addAddress gives a link one more address of its own; it may have it already.
func addAddress(handle *netlink.Handle, name string, address netip.Addr) error {
	link, err := handle.LinkByName(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	err = handle.AddrAdd(link, &netlink.Addr{IPNet: single(address)})
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

func (n *network) defaultRoute(handle *netlink.Handle, cable string, via netip.Addr) error {
	link, err := handle.LinkByName(cable)
	if err != nil {
		return err
	}
	return handle.RouteAdd(&netlink.Route{
		LinkIndex: link.Attrs().Index,
		Dst:       &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)},
		Gw:        via.AsSlice(),
		Flags:     int(netlink.FLAG_ONLINK),
	})
}

// addNamespace makes a namespace with a cable of that name to the root namespace.
func (n *network) addNamespace(name, cable string, address netip.Addr) (*netspace, error) {
	space, err := newNetspace(name)
	if err != nil {
		return nil, err
	}
	veth := &netlink.Veth{
		LinkAttrs:     netlink.LinkAttrs{Name: cable},
		PeerName:      "eth0",
		PeerNamespace: netlink.NsFd(space.file.Fd()),
	}
	if err := n.links.LinkAdd(veth); err != nil {
		return nil, fmt.Errorf("cable %s: %w", cable, err)
	}
	if err := errors.Join(addAddress(n.links, cable, next), up(n.links, cable)); err != nil {
		return nil, err
	}
	link, err := n.links.LinkByName(cable)
	if err != nil {
		return nil, err
	}
	route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: single(address), Scope: netlink.SCOPE_LINK}
	if err := n.links.RouteAdd(route); err != nil {
		return nil, fmt.Errorf("route to %s: %w", name, err)
	}
	return space, space.do(func() error { return n.wireInside(address) })
}

func (n *network) wireInside(address netip.Addr) error {
	inside, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer inside.Close()
	return errors.Join(up(inside, "lo"), addAddress(inside, "eth0", address), up(inside, "eth0"),
		n.defaultRoute(inside, "eth0", next), sysctlHere("ip_unprivileged_port_start", "0"))
}

// sysctlHere writes a setting of the calling thread's network namespace.
func sysctlHere(name, value string) error {
	return os.WriteFile("/proc/thread-self/root/proc/sys/net/ipv4/"+name, []byte(value), 0o644)
}

// assumeOutside lets the outside send from, and answer at, an address.
func (n *network) assumeOutside(address netip.Addr) error {
	return n.outside.do(func() error {
		inside, err := netlink.NewHandle(unix.NETLINK_ROUTE)
		if err != nil {
			return err
		}
		defer inside.Close()
		return addAddress(inside, "lo", address)
	})
}

// restore loads iptables rules in a namespace.
func restore(space *netspace, rules string) error {
	command := exec.Command("iptables-restore", "-n")
	command.Stdin = strings.NewReader(rules)
	return space.run(command)
}

// redirection sends everything through the pod's proxy. The rules are those of Istio 1.31's own
// container init for a wildcard of inbound ports (tools/istio-iptables, golden file
// `inbound-ports-wildcard`), with the ports of probes and metrics left out.
var redirection = func() string {
	rules := []string{"*nat", "-N ISTIO_INBOUND", "-N ISTIO_REDIRECT", "-N ISTIO_IN_REDIRECT", "-N ISTIO_OUTPUT"}
	for _, port := range []int{15008, 15090, 15021, 15020} {
		rules = append(rules, fmt.Sprintf("-A ISTIO_INBOUND -p tcp --dport %d -j RETURN", port))
	}
	rules = append(rules,
		"-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001",
		"-A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006",
		"-A PREROUTING -p tcp -j ISTIO_INBOUND",
		"-A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT",
		"-A OUTPUT -j ISTIO_OUTPUT",
		"-A ISTIO_OUTPUT -o lo -s 127.0.0.6/32 -j RETURN")
	for _, owner := range []string{"--uid-owner", "--gid-owner"} {
		rules = append(rules,
			fmt.Sprintf("-A ISTIO_OUTPUT -o lo ! -d 127.0.0.1/32 -p tcp ! --dport 15008 -m owner %s %d -j ISTIO_IN_REDIRECT", owner, proxyUser),
			fmt.Sprintf("-A ISTIO_OUTPUT -o lo -m owner ! %s %d -j RETURN", owner, proxyUser),
			fmt.Sprintf("-A ISTIO_OUTPUT -m owner %s %d -j RETURN", owner, proxyUser))
	}
	rules = append(rules, "-A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN", "-A ISTIO_OUTPUT -j ISTIO_REDIRECT", "COMMIT")
	return strings.Join(rules, "\n") + "\n"
}()

// serviceRules is what kube-proxy does: connections to the address of a Service go to its pods, from
// the same cluster, and those to a load balancer's address from everywhere. Networks reach one
// another by load balancers alone.
func serviceRules(clusters []*cluster) string {
	nat := []string{"*nat"}
	filter := []string{"*filter", "-P FORWARD DROP",
		"-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
		fmt.Sprintf("-A FORWARD -o %s -j ACCEPT", outsideCable),
		fmt.Sprintf("-A FORWARD -i %s -j ACCEPT", outsideCable)}
	for _, here := range clusters {
		for _, service := range here.services {
			for _, port := range service.ports {
				nat = append(nat, service.translate(fmt.Sprintf("-i %s+", here.cable()), service.address, port)...)
				for _, address := range service.balancers {
					nat = append(nat, service.translate("", address, port)...)
				}
			}
			for _, address := range service.balancers {
				filter = append(filter, fmt.Sprintf("-A FORWARD -m conntrack --ctstate DNAT --ctorigdst %s -j ACCEPT", address))
			}
		}
		for _, there := range clusters {
			if here.network == there.network {
				filter = append(filter, fmt.Sprintf("-A FORWARD -i %s+ -o %s+ -j ACCEPT", here.cable(), there.cable()))
			}
		}
	}
	return strings.Join(append(nat, "COMMIT"), "\n") + "\n" + strings.Join(append(filter, "COMMIT"), "\n") + "\n"
}

// translate spreads the connections to address:port over the pods of the service.
func (s *service) translate(from string, address netip.Addr, port servicePort) []string {
	if !address.IsValid() {
		return nil
	}
	var rules []string
	for i, p := range s.pods {
		rule := fmt.Sprintf("-A PREROUTING %s -d %s -p tcp --dport %d", from, address, port.number)
		if left := len(s.pods) - i; left > 1 {
			rule += fmt.Sprintf(" -m statistic --mode nth --every %d --packet 0", left)
		}
		rules = append(rules, fmt.Sprintf("%s -j DNAT --to-destination %s:%d", rule, p.address, port.target(p)))
	}
	return rules
}
