"""Seeds: a disc that hands a machine its values and its tasks when it boots.

roles         which property is the host name, the address, …
machine       what the values say of the machine, and what they cannot mean
network       the network configuration of cloud-init and of OpenStack
environment   ovf-env.xml, the OVF environment of DSP0243
user_data     what cloud-init is to do, with the user's own part
tasks         the scripts and files of `install`, `config` and `reset`, and their engine
layouts       the files of a disc for each of its readers
disc          the disc itself, ISO 9660
seeds         all of it for a package: one disc for each virtual system
"""
