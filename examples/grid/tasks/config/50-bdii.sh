#!/bin/sh
# The information system, on BDII_HOST: an LDAP server on port 2170 that says what the site offers (GLUE 2).
set -eu
[ "$(hostname -s)" = "$OVA_BDII_HOST" ] || exit 0
# Debian 12's bdii calls the LDAP tools with options that its OpenLDAP has no more.
sed -i 's|-h %s -p %s|-H ldap://%s:%s|' /usr/sbin/bdii-update
provider=/var/lib/bdii/gip/provider/site
mkdir -p "${provider%/*}"
cat >"$provider" <<END
#!/bin/sh
cat <<LDIF
dn: GLUE2GroupID=resource,o=glue
objectClass: GLUE2Group
GLUE2GroupID: resource

dn: GLUE2DomainID=$OVA_SITE_NAME,GLUE2GroupID=resource,o=glue
objectClass: GLUE2Domain
objectClass: GLUE2AdminDomain
GLUE2DomainID: $OVA_SITE_NAME
GLUE2AdminDomainOwner: $OVA_SITE_EMAIL

dn: GLUE2ServiceID=$OVA_CE_HOST,GLUE2GroupID=resource,o=glue
objectClass: GLUE2Service
objectClass: GLUE2ComputingService
GLUE2ServiceID: $OVA_CE_HOST
GLUE2ServiceType: org.slurm
GLUE2ServiceQualityLevel: production
GLUE2ServiceCapability: executionmanagement.jobexecution
GLUE2ServiceAdminDomainForeignKey: $OVA_SITE_NAME
LDIF
END
chmod 755 "$provider"
systemctl enable bdii
systemctl restart bdii
